"""Nouns, colours and phrases of the grammar in German, French and Spanish: data alone, written by hand.

A noun is (noun, plural, gender); what stands before `~` is an adjective that takes the endings of the others.
"""

from __future__ import annotations

from collections.abc import Mapping

Noun = tuple[str, str, str]
NOUNS: Mapping[str, tuple[Noun, Noun, Noun]] = {  # training noun -> German, French, Spanish
    "arch": (("Bogen", "Bögen", "m"), ("arche", "arches", "f"), ("arco", "arcos", "m")),
    "ball": (("Ball", "Bälle", "m"), ("balle", "balles", "f"), ("pelota", "pelotas", "f")),
    "block": (("Block", "Blöcke", "m"), ("bloc", "blocs", "m"), ("bloque", "bloques", "m")),
    "bottle": (("Flasche", "Flaschen", "f"), ("bouteille", "bouteilles", "f"), ("botella", "botellas", "f")),
    "bowl": (("Schüssel", "Schüsseln", "f"), ("bol", "bols", "m"), ("cuenco", "cuencos", "m")),
    "box": (("Kiste", "Kisten", "f"), ("boîte", "boîtes", "f"), ("caja", "cajas", "f")),
    "cone": (("Kegel", "Kegel", "m"), ("cône", "cônes", "m"), ("cono", "conos", "m")),
    "cover": (("Haube", "Hauben", "f"), ("cloche", "cloches", "f"), ("tapa", "tapas", "f")),
    "cup": (("Becher", "Becher", "m"), ("gobelet", "gobelets", "m"), ("vaso", "vasos", "m")),
    "cylinder": (("Zylinder", "Zylinder", "m"), ("cylindre", "cylindres", "m"), ("cilindro", "cilindros", "m")),
    "door": (("Tür", "Türen", "f"), ("porte", "portes", "f"), ("puerta", "puertas", "f")),
    "drawer": (("Schublade", "Schubladen", "f"), ("tiroir", "tiroirs", "m"), ("cajón", "cajones", "m")),
    "knob": (("Drehknopf", "Drehknöpfe", "m"), ("molette", "molettes", "f"), ("perilla", "perillas", "f")),
    "l shape": (("L-Form", "L-Formen", "f"), ("forme en L", "formes en L", "f"), ("forma de L", "formas de L", "f")),
    "letter j": (("Buchstaben J", "Buchstaben J", "m"), ("lettre J", "lettres J", "f"), ("letra J", "letras J", "f")),
    "letter v": (("Buchstaben V", "Buchstaben V", "m"), ("lettre V", "lettres V", "f"), ("letra V", "letras V", "f")),
    "letter y": (("Buchstaben Y", "Buchstaben Y", "m"), ("lettre Y", "lettres Y", "f"), ("letra Y", "letras Y", "f")),
    "lever": (("Hebel", "Hebel", "m"), ("levier", "leviers", "m"), ("palanca", "palancas", "f")),
    "long button": (
        ("länglich~Knopf", "länglich~Knöpfe", "m"),
        ("bouton allongé", "boutons allongés", "m"),
        ("botón alargado", "botones alargados", "m"),
    ),
    "mug": (("Tasse", "Tassen", "f"), ("tasse", "tasses", "f"), ("taza", "tazas", "f")),
    "plate": (("Teller", "Teller", "m"), ("assiette", "assiettes", "f"), ("plato", "platos", "m")),
    "ring": (("Ring", "Ringe", "m"), ("anneau", "anneaux", "m"), ("anillo", "anillos", "m")),
    "round button": (
        ("rund~Knopf", "rund~Knöpfe", "m"),
        ("bouton rond", "boutons ronds", "m"),
        ("botón redondo", "botones redondos", "m"),
    ),
    "round hole": (
        ("rund~Loch", "rund~Löcher", "n"),
        ("trou rond", "trous ronds", "m"),
        ("agujero redondo", "agujeros redondos", "m"),
    ),
    "round peg": (
        ("rund~Stift", "rund~Stifte", "m"),
        ("tige ronde", "tiges rondes", "f"),
        ("clavija redonda", "clavijas redondas", "f"),
    ),
    "square button": (
        ("viereckig~Knopf", "viereckig~Knöpfe", "m"),
        ("bouton carré", "boutons carrés", "m"),
        ("botón cuadrado", "botones cuadrados", "m"),
    ),
    "square hole": (
        ("viereckig~Loch", "viereckig~Löcher", "n"),
        ("trou carré", "trous carrés", "m"),
        ("agujero cuadrado", "agujeros cuadrados", "m"),
    ),
    "square peg": (
        ("viereckig~Stift", "viereckig~Stifte", "m"),
        ("tige carrée", "tiges carrées", "f"),
        ("clavija cuadrada", "clavijas cuadradas", "f"),
    ),
    "star": (("Stern", "Sterne", "m"), ("étoile", "étoiles", "f"), ("estrella", "estrellas", "f")),
    "t shape": (("T-Form", "T-Formen", "f"), ("forme en T", "formes en T", "f"), ("forma de T", "formas de T", "f")),
    "thing": (("Ding", "Dinge", "n"), ("chose", "choses", "f"), ("cosa", "cosas", "f")),
    "tray": (("Tablett", "Tabletts", "n"), ("plateau", "plateaux", "m"), ("bandeja", "bandejas", "f")),
    "zone": (("Zone", "Zonen", "f"), ("zone", "zones", "f"), ("zona", "zonas", "f")),
}
COLORS: Mapping[str, tuple[str, str, str]] = {  # German stem, French masculine/feminine, Spanish masculine/feminine
    "red": ("rot", "rouge", "rojo/roja"),
    "green": ("grün", "vert/verte", "verde"),
    "blue": ("blau", "bleu/bleue", "azul"),
    "yellow": ("gelb", "jaune", "amarillo/amarilla"),
    "purple": ("violett", "violet/violette", "morado/morada"),
    "orange": ("orangefarben", "orange!", "naranja!"),
    "pink": ("rosafarben", "rose", "rosa!"),
    "brown": ("braun", "marron!", "marrón"),
    "white": ("weiß", "blanc/blanche", "blanco/blanca"),
    "black": ("schwarz", "noir/noire", "negro/negra"),
    "gray": ("grau", "gris/grise", "gris"),
    "cyan": ("türkisfarben", "turquoise", "turquesa!"),
}
MATERIALS: Mapping[str, tuple[str, str, str]] = {
    "plastic": ("aus Plastik", "en plastique", "de plástico"),
    "wood": ("aus Holz", "en bois", "de madera"),
    "metal": ("aus Metall", "en métal", "de metal"),
    "rubber": ("aus Gummi", "en caoutchouc", "de goma"),
}
PICKS: Mapping[str, tuple[str, str, str]] = {  # German stem or what follows; French before, Spanish after the noun
    "larger": ("größer", "plus grand/plus grande", "más grande"),
    "smaller": ("kleiner", "plus petit/plus petite", "más pequeño/más pequeña"),
    "largest": ("größt", "plus grand/plus grande", "más grande"),
    "smallest": ("kleinst", "plus petit/plus petite", "más pequeño/más pequeña"),
    "second": ("zweit", "deuxième", "segundo/segunda"),
    "third": ("dritt", "troisième", "tercer/tercera"),
    "leftmost": ("ganz links", "plus à gauche", "más a la izquierda"),
    "rightmost": ("ganz rechts", "plus à droite", "más a la derecha"),
}
SIDES: Mapping[str, tuple[str, str, str]] = {
    "left": ("von links", "à partir de la gauche", "desde la izquierda"),
    "right": ("von rechts", "à partir de la droite", "desde la derecha"),
    "front": ("von vorne", "à partir de l'avant", "desde delante"),
    "back": ("von hinten", "à partir de l'arrière", "desde atrás"),
}
BESIDE: Mapping[str, tuple[str, str, str]] = {  # what follows is in the dative in German
    "left of": ("links von", "à gauche de", "a la izquierda de"),
    "right of": ("rechts von", "à droite de", "a la derecha de"),
    "in front of": ("vor", "devant", "delante de"),
    "behind": ("hinter", "derrière", "detrás de"),
    "next to": ("neben", "à côté de", "al lado de"),
    "nearest to": ("am nächsten ist", "plus proche de", "más cercano/más cercana"),
    "farthest from": ("am weitesten entfernt ist", "plus éloigné/plus éloignée", "más alejado/más alejada"),
}
ON: Mapping[str, tuple[str, str, str]] = {"into": ("in", "dans", "en"), "onto": ("auf", "sur", "sobre")}
JOINTS: Mapping[str, tuple[str, str, str]] = {
    "first": ("zuerst", "d'abord", "primero"),
    "then": ("dann", "puis", "luego"),
    "and then": ("und dann", "et puis", "y luego"),
}
RELATIONS: Mapping[str, tuple[str, str, str]] = {  # what grammars have as relations
    "a little": ("ein wenig", "un peu", "un poco"),
    "halfway": ("zur Hälfte", "à moitié", "hasta la mitad"),
    "all the way": ("ganz", "complètement", "del todo"),
    "to the left": ("nach links", "vers la gauche", "hacia la izquierda"),
    "to the middle": ("in die Mitte", "au milieu", "al centro"),
    "to the right": ("nach rechts", "vers la droite", "hacia la derecha"),
    "away from the robot": ("vom Roboter weg", "loin du robot", "lejos del robot"),
    "closer to the robot": ("näher zum Roboter", "plus près du robot", "más cerca del robot"),
    "with three millimeters of room": (
        "mit drei Millimetern Spiel",
        "avec trois millimètres de jeu",
        "con tres milímetros de holgura",
    ),
    "with six millimeters of room": (
        "mit sechs Millimetern Spiel",
        "avec six millimètres de jeu",
        "con seis milímetros de holgura",
    ),
    "from left to right": ("von links nach rechts", "de gauche à droite", "de izquierda a derecha"),
    "from front to back": ("von vorne nach hinten", "de l'avant vers l'arrière", "de delante hacia atrás"),
    "to the left of": ("links neben", "à gauche de", "a la izquierda de"),
    "to the right of": ("rechts neben", "à droite de", "a la derecha de"),
    "in front of": ("vor", "devant", "delante de"),
    "behind": ("hinter", "derrière", "detrás de"),
    "ninety degrees to the left": (
        "um neunzig Grad nach links",
        "de quatre-vingt-dix degrés vers la gauche",
        "noventa grados a la izquierda",
    ),
    "ninety degrees to the right": (
        "um neunzig Grad nach rechts",
        "de quatre-vingt-dix degrés vers la droite",
        "noventa grados a la derecha",
    ),
    "forty five degrees to the left": (
        "um fünfundvierzig Grad nach links",
        "de quarante-cinq degrés vers la gauche",
        "cuarenta y cinco grados a la izquierda",
    ),
    "forty five degrees to the right": (
        "um fünfundvierzig Grad nach rechts",
        "de quarante-cinq degrés vers la droite",
        "cuarenta y cinco grados a la derecha",
    ),
    "one hundred and eighty degrees": (
        "um hundertachtzig Grad",
        "de cent quatre-vingts degrés",
        "ciento ochenta grados",
    ),
    "open": ("bis sie offen ist", "pour l'ouvrir", "para abrirla"),  # of a door
    "shut": ("bis sie zu ist", "pour la fermer", "para cerrarla"),
    "color": ("Farbe", "couleur", "color"),
    "shape": ("Form", "forme", "forma"),
    "a little to the left": ("ein wenig nach links", "un peu vers la gauche", "un poco a la izquierda"),
    "a little to the right": ("ein wenig nach rechts", "un peu vers la droite", "un poco a la derecha"),
    "a quarter turn to the left": (
        "eine Vierteldrehung nach links",
        "d'un quart de tour vers la gauche",
        "un cuarto de vuelta a la izquierda",
    ),
    "a quarter turn to the right": (
        "eine Vierteldrehung nach rechts",
        "d'un quart de tour vers la droite",
        "un cuarto de vuelta a la derecha",
    ),
}
