"""The training templates of all families in pieces, with what they are in German, French and Spanish.

` | ` separates pieces that may be moved about within a clause; ` || ` separates clauses, whose order has a meaning.
Slots are those of `envs.grammar`; in the other languages `_dat` asks for the dative, `_all` for all of a group, `_it`
for the pronoun and `_its` for the possessive. Written by hand; no punctuation, as in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envs.grammar import ROLES, Grammar, phrase
from envs.objects import object_kind
from envs.reading import mentions
from envs.scene import GoalSpec, SceneSpec

LANGUAGES = ("german", "french", "spanish")
_PUT = {"put": ("lege", "mets", "pon"), "place": ("stelle", "place", "coloca"), "move": ("bewege", "déplace", "mueve")}
_SHOVE = {
    "push": ("schiebe", "pousse", "empuja"),
    "slide": ("verschiebe", "fais glisser", "desliza"),
    "shove": ("stoße", "repousse", "arrastra"),
    "move": _PUT["move"],
}
_LIFT = {
    "lift": ("hebe {} hoch", "soulève {}", "levanta {}"),
    "pick up": ("nimm {} hoch", "prends {}", "recoge {}"),
    "raise": ("hebe {} an", "lève {}", "alza {}"),
}
_TAKE = {
    "grasp | {%s} || and lift it": (
        "greife {%s} und hebe {%s_it} hoch",
        "saisis {%s} et soulève-{%s_it}",
        "agarra {%s} y levánta{%s_it}",
    )
}
_FIXED: Mapping[str, tuple[str, str, str]] = {
    "close | {target} | {relation}": (
        "schließe {target} {relation}",
        "ferme {target} {relation}",
        "cierra {target} {relation}",
    ),
    "push | {target} | shut | {relation}": (
        "schiebe {target} {relation} zu",
        "pousse {target} pour le fermer {relation}",
        "empuja {target} para cerrarlo {relation}",
    ),
    "open | {target} | {relation}": (
        "öffne {target} {relation}",
        "ouvre {target} {relation}",
        "abre {target} {relation}",
    ),
    "pull | {target} | open | {relation}": (
        "ziehe {target} {relation} auf",
        "tire {target} pour l'ouvrir {relation}",
        "tira de {target} para abrirlo {relation}",
    ),
    "put | all {relation} | {on} {place}": (
        "lege {relation_all} {on} {place}",
        "mets {relation_all} {on} {place}",
        "pon {relation_all} {on} {place}",
    ),
    "collect | {relation} || and put them | {on} {place}": (
        "sammle {relation} und lege sie {on} {place}",
        "rassemble {relation} et mets tout {on} {place}",
        "recoge {relation} y pon todo {on} {place}",
    ),
    "cover | {place} | with {target}": (
        "decke {place} mit {target_dat} zu",
        "couvre {place} avec {target}",
        "cubre {place} con {target}",
    ),
    "put | {target} | over {place}": (
        "stülpe {target} über {place}",
        "mets {target} par-dessus {place}",
        "pon {target} por encima de {place}",
    ),
    "hide | {place} | under {target}": (
        "verstecke {place} unter {target_dat}",
        "cache {place} sous {target}",
        "esconde {place} debajo de {target}",
    ),
    "find | {target}": ("finde {target}", "trouve {target}", "encuentra {target}"),
    "look | under the covers || and pick up | {target}": (
        "schau unter die Hauben und nimm {target} hoch",
        "regarde sous les cloches et prends {target}",
        "mira debajo de las tapas y recoge {target}",
    ),
    "find | {target} || and pick it up": (
        "finde {target} und nimm {target_it} hoch",
        "trouve {target} et prends-{target_it}",
        "encuentra {target} y recóge{target_it}",
    ),
    "flip | {target} | {relation}": (
        "kippe {target} {relation}",
        "bascule {target} {relation}",
        "inclina {target} {relation}",
    ),
    "put | {target} | into {place} | {relation}": (
        "stecke {target} in {place} {relation}",
        "mets {target} dans {place} {relation}",
        "mete {target} en {place} {relation}",
    ),
    "push | {target} | into {place} | {relation}": (
        "drücke {target} in {place} {relation}",
        "pousse {target} dans {place} {relation}",
        "empuja {target} dentro de {place} {relation}",
    ),
    "line up | {target} {place} and {third} | {relation}": (
        "reihe {target} {place} und {third} {relation} auf",
        "aligne {target} {place} et {third} {relation}",
        "alinea {target} {place} y {third} {relation}",
    ),
    "put | {target} {place} and {third} | in a row | {relation}": (
        "stelle {target} {place} und {third} {relation} in eine Reihe",
        "mets {target} {place} et {third} en rang {relation}",
        "pon {target} {place} y {third} en fila {relation}",
    ),
    "make a row | of {target} {place} and {third} | {relation}": (
        "bilde {relation} eine Reihe aus {target_dat} {place_dat} und {third_dat}",
        "forme une rangée avec {target} {place} et {third} {relation}",
        "forma una fila con {target} {place} y {third} {relation}",
    ),
    "lay | {target} | on {place}": (
        "setze {target} auf {place}",
        "pose {target} sur {place}",
        "deja {target} sobre {place}",
    ),
    "press | {target}": ("drücke {target}", "appuie sur {target}", "pulsa {target}"),
    "push | {target}": ("drücke {target} ein", "enfonce {target}", "aprieta {target}"),
    "press | on {target}": ("drücke auf {target}", "appuie fort sur {target}", "presiona {target}"),
    "push | {target} and {place} | together": (
        "schiebe {target} und {place} zusammen",
        "rapproche {target} et {place}",
        "junta {target} y {place}",
    ),
    "group | {target} and {place}": (
        "gruppiere {target} und {place}",
        "regroupe {target} et {place}",
        "agrupa {target} y {place}",
    ),
    "push | {target} | next to {place}": (
        "schiebe {target} neben {place}",
        "pousse {target} à côté de {place}",
        "empuja {target} al lado de {place}",
    ),
    "touch | {target}": ("berühre {target}", "touche {target}", "toca {target}"),
    "reach | {target}": ("erreiche {target}", "atteins {target}", "alcanza {target}"),
    "go | to {target}": ("gehe zu {target_dat}", "va vers {target}", "ve hacia {target}"),
    "move | the gripper | to {target}": (
        "bewege den Greifer zu {target_dat}",
        "déplace la pince vers {target}",
        "mueve la pinza hacia {target}",
    ),
    "turn | {target} | {relation}": (
        "drehe {target} {relation}",
        "tourne {target} {relation}",
        "gira {target} {relation}",
    ),
    "turn | {relation} | {target}": (
        "drehe {target} {relation}",
        "tourne {target} {relation}",
        "gira {target} {relation}",
    ),
    "rotate | {target} | {relation}": (
        "rotiere {target} {relation}",
        "fais pivoter {target} {relation}",
        "rota {target} {relation}",
    ),
    "turn | {target} | around {relation}": (
        "drehe {target} {relation} herum",
        "fais tourner {target} {relation}",
        "haz girar {target} {relation}",
    ),
    "sort | the things | by {relation}": (
        "sortiere die Dinge nach {relation}",
        "trie les choses par {relation}",
        "ordena las cosas por {relation}",
    ),
    "put | each thing | with the one of its {relation}": (
        "lege jedes Ding zu dem mit seiner {relation}",
        "mets chaque chose avec celle de sa {relation}",
        "pon cada cosa con la de su {relation}",
    ),
    "stack | {target} | on {place}": (
        "staple {target} auf {place}",
        "empile {target} sur {place}",
        "apila {target} sobre {place}",
    ),
    "swap | {target} and {place}": (
        "vertausche {target} und {place}",
        "échange {target} et {place}",
        "intercambia {target} y {place}",
    ),
    "exchange | {target} and {place}": (
        "tausche {target} und {place} gegeneinander aus",
        "intervertis {target} et {place}",
        "cambia de sitio {target} y {place}",
    ),
    "swap | the places | of {target} and {place}": (
        "vertausche die Plätze von {target_dat} und {place_dat}",
        "échange les places de {target} et de {place}",
        "intercambia los sitios de {target} y de {place}",
    ),
    "sweep | {relation} | into {place}": (
        "fege {relation} in {place}",
        "balaie {relation} dans {place}",
        "barre {relation} hasta {place}",
    ),
    "push | all of {relation} | into {place}": (
        "schiebe {relation_all} in {place}",
        "pousse {relation_all} dans {place}",
        "empuja {relation_all} hasta {place}",
    ),
    "brush | {relation} | into {place}": (
        "bürste {relation} in {place}",
        "brosse {relation} dans {place}",
        "cepilla {relation} hasta {place}",
    ),
    "put | {place} | on {third} || and {target} | on {place}": (
        "lege {place} auf {third} und {target} auf {place}",
        "mets {place} sur {third} et {target} sur {place}",
        "pon {place} sobre {third} y {target} sobre {place}",
    ),
    "stack | {place} | on {third} || and put | {target} | on top": (
        "staple {place} auf {third} und lege {target} obendrauf",
        "empile {place} sur {third} et mets {target} tout en haut",
        "apila {place} sobre {third} y pon {target} arriba",
    ),
    "make a tower | of {third} {place} and {target}": (
        "baue einen Turm aus {third_dat} {place_dat} und {target_dat}",
        "fais une tour avec {third} {place} et {target}",
        "haz una torre con {third} {place} y {target}",
    ),
    "unstack | {target}": (
        "nimm {target} vom Stapel",
        "retire {target} de la pile",
        "quita {target} de la pila",
    ),
    "remove | {target} | from {place}": (
        "entferne {target} von {place_dat}",
        "enlève {target} du dessus de {place}",
        "retira {target} de encima de {place}",
    ),
    "move | {target} | from {place} | to the table": (
        "bewege {target} von {place_dat} auf den Tisch",
        "déplace {target} depuis {place} sur la table",
        "mueve {target} desde {place} a la mesa",
    ),
    "stand | {target} | up": ("stelle {target} auf", "mets {target} debout", "pon {target} de pie"),
    "turn | {target} | upright": ("richte {target} auf", "redresse {target}", "endereza {target}"),
    "put | {target} | on its base": (
        "stelle {target} auf {target_its} Boden",
        "pose {target} sur sa base",
        "pon {target} sobre su base",
    ),
}


def _built() -> dict[str, tuple[str, ...]]:
    """All frames: those written out, and those that differ in the verb alone."""
    frames: dict[str, tuple[str, ...]] = dict(_FIXED)
    for verb, said in _PUT.items():
        for pieces, rest in (
            (
                "{target} | {on} {place}",
                _each("{target} %s {place}", ("{on}", "{on}", "a" if verb == "move" else "{on}")),
            ),
            ("{target} | {relation} {place}", ("{target} {relation} {place}",) * 3),
            (
                "{target} | between {place} and {third}",
                _each("{target} %s {place} %s {third}", ("zwischen", "entre", "entre"), ("und", "et", "y")),
            ),
            ("{target} | on {place}", _each("{target} %s {place}", ("auf", "sur", "sobre"))),
            (
                "{target} | on top of {place}",
                _each("{target} %s {place}", ("oben auf", "sur le dessus de", "encima de")),
            ),
        ):
            frames[f"{verb} | {pieces}"] = tuple(f"{one} {other}" for one, other in zip(said, rest, strict=True))
    for verb, said in _SHOVE.items():
        frames[f"{verb} | {{target}} | {{relation}}"] = tuple(f"{one} {{target}} {{relation}}" for one in said)
        if verb != "move":
            there = ("{on}", "{on}", "hasta")
            frames[f"{verb} | {{target}} | {{on}} {{place}}"] = tuple(
                f"{one} {{target}} {on} {{place}}" for one, on in zip(said, there, strict=True)
            )
    for slot in ("target", "relation"):
        for verb, said in _LIFT.items():
            frames[f"{verb} | {{{slot}}}"] = tuple(one.replace("{}", f"{{{slot}}}") for one in said)
        for pieces, said in _TAKE.items():
            frames[pieces.replace("%s", slot)] = tuple(one.replace("%s", slot) for one in said)
    return frames


def _each(template: str, *words: tuple[str, str, str]) -> tuple[str, ...]:
    return tuple(template % row for row in zip(*words, strict=True))


FRAMES: Mapping[str, tuple[str, ...]] = _built()
OF_TEMPLATE: Mapping[str, str] = {" ".join(key.replace("|", " ").split()): key for key in FRAMES}


@dataclass(frozen=True)
class Found:
    """A frame in a line.

    Attributes:
        frame: A key of `FRAMES`.
        start: First letter of it in the line.
        end: The letter after it.
        slots: What stands in each slot.
    """

    frame: str
    start: int
    end: int
    slots: Mapping[str, str]


def found_frames(line: str, spec: SceneSpec, parts: Sequence[tuple[GoalSpec, Grammar]]) -> tuple[Found, ...]:
    """The training templates that parts of an instruction were made of, in their order in a line.

    Parts that are said otherwise (a held-out phrasing, a family whose templates are not here) are left out.
    """
    found: list[Found] = []
    for goal, grammar in parts:
        start = found[-1].end if found else 0
        slots = _slots(line, spec, goal, grammar)
        here = list(_matches(line, start, grammar.train, slots))
        if here:
            found.append(min(here, key=lambda match: (match.start, -match.end)))
    return tuple(found)


def _matches(line: str, start: int, templates: Sequence[str], slots: Mapping[str, str]) -> Iterator[Found]:
    for template in templates:
        try:
            text = template.format(**slots)
        except KeyError:
            continue
        at = f"{line} ".find(f"{text} ", start)
        if template in OF_TEMPLATE and at >= 0:
            yield Found(OF_TEMPLATE[template], at, at + len(text), slots)


def _slots(line: str, spec: SceneSpec, goal: GoalSpec, grammar: Grammar) -> dict[str, str]:
    """How a line names what a goal is about: by colour and kind, or as `envs.reading` reads it."""
    read = {m.things[0].name: m.description.text() for m in mentions(line, spec) if len(m.things) == 1}
    slots = {}
    for role, name in zip(ROLES, (goal.target, goal.place, *goal.others), strict=False):
        if name:
            thing = spec.object(name)
            plain = phrase(thing.color, thing.kind)
            said = plain if f"{plain} " in f"{line} " else read.get(name, "")
            slots.update({role: said} if said else {})
    if goal.place:
        slots["on"] = object_kind(spec.object(goal.place).kind).noun.on
    if goal.relation in grammar.relations:
        said = grammar.relations[goal.relation]
        slots["relation"] = said if said in line or not goal.target else read.get(goal.target, said)
    return slots
