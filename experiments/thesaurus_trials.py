"""Words that the thesaurus is tried on: what each may be taken for, and words that mean nothing in this world.

Chosen by hand before any similarity was computed; afterwards only answers that are no relatives (`to`, `by`, `wooden`)
were taken out. None is a word of the axes of evaluation; a test sees to that.
"""

from __future__ import annotations

RELATED = """
blue: navy bluish
yellow: gold golden blond yellowish
blue purple: indigo
white: snowy whitish
black: pitch
pink red: rosy
red: reddish
green: greenish
ball: marble
box: carton
box drawer: chest
bottle cup: jar
cup mug: goblet coffee
bottle bowl cup: vase
bowl box tray: basket
bowl plate tray: pan
door: gate entrance
brush sweep: broom mop
lever peg: pole
peg: nail
ring: loop
tower: spire
cone: pyramid
stack: heap mound
robot: android
knob lever: handle
lever turn: crank
hole: pit
metal: steel iron
wood: timber oak wooden
rotate turn: twirl
lift move pull: haul
pull: yank tow
lift push raise: heave
collect find pick: fetch
move: transport
grasp: seize clutch
grasp press: squeeze
press push touch: poke
button press: click
flip: invert
button flip press: toggle
open: unlock
close shut: lock
cover hide: bury
sort: classify
collect group: assemble
closer nearest next: near
nearest next: adjacent
onto: toward
between: amid
back behind: backward
largest: biggest
larger largest: large big huge
little smaller smallest: tiny
little smallest: short
farthest: remote distant
first: initial
third: final
middle: centre core
ball round: spherical
ring round: circular
block square: cubic
square: rectangular
back flip swap: reverse
table: kitchen
"""
UNRELATED = """
exit government president friend maybe garden money think believe sorry family school doctor birthday holiday
very movie story water bread city london war history university album song player army church king feel later
often boss wife brother mother sleep smile angry eager ready wonderful boring idea plan question problem
business party summer rain cold hot quick slow fast busy tired
"""


def trials() -> dict[str, frozenset[str]]:
    """Each word, and the words of training that it may be taken for; none for those that mean nothing here."""
    rows = [line.split(": ") for line in RELATED.strip().splitlines()]
    related = {word: frozenset(right.split()) for right, words in rows for word in words.split()}
    return related | dict.fromkeys(UNRELATED.split(), frozenset())
