"""Write harbour_tales.txt: short tales drawn from a small grammar written for this project (CC0).

python examples/data/make_tales.py
"""

import random
from pathlib import Path

GRAMMAR = {
    "tale": ["{open} {middle} {middle} {talk} {middle} {close}", "{open} {talk} {middle} {talk} {close}"],
    "open": [
        "{When} the {ship} came in from {place}, {name} was {doing} on the {where}.",
        "There was once {a_person} in {place} who {habit}.",
        "{name} {habit}, and nobody in {place} thought it strange.",
        "In the year of the {weather}, {name} found {thing} under the {where}.",
    ],
    "middle": [
        "{When} the {weather} came down, {name} {act} and {act}.",
        "The {animal} on the {where} watched it all and {animal_act}.",
        "{name} {act}, but {name} only {act}.",
        "For {count} days the {weather} lay over {place}, and no {ship} could leave.",
        "At {time} the {person} brought {thing} and {thing}, and asked for {thing} in return.",
        "It was {quality} work, and the {person} sang of {place} while {doing_it}.",
        "Nobody had seen {thing} so {quality} since the {weather} of the old {person}'s youth.",
    ],
    "talk": [
        '"Have you seen my {animal}?" asked the {person}. "It was {doing} on the {where}," said {name}.',
        '"{Where_to} are you bound?" said {name}. "To {place}, before the {weather}," said the {person}.',
        '"That is {thing}," said the {person}. "It is {quality}, but it is not yours."',
        '"I would not give {thing} for it," said {name}, and {act}.',
        '"Tell me," said the {person}, "what is worth more than {thing}?" "{count} hours of sleep," said {name}.',
    ],
    "close": [
        "And so {name} {act}, and the {ship} sailed at {time}.",
        "They say in {place} that the {animal} still {animal_act} there at {time}.",
        "By {time} the {weather} had gone, and so had {name}.",
        "After that {name} never {habit_not} again, except when the {weather} came.",
    ],
    "name": ["Marta", "Old Finn", "Ines", "Captain Roe", "little Tomas", "Sigrid", "the widow Hale", "Bram", "Odile"],
    "person": ["pilot", "baker", "net-maker", "harbour master", "fiddler", "keeper of the light", "carpenter", "cook"],
    "a_person": ["a pilot", "a baker", "a net-maker", "a fiddler", "a carpenter's daughter", "an idle cook"],
    "place": ["Northquay", "the Salt Isles", "Greyholm", "Port Amber", "the far side of the bay", "Lowlight"],
    "ship": ["herring boat", "schooner", "ferry", "salt barge", "mail boat", "black cutter"],
    "where": ["sea wall", "long pier", "fish market", "roof of the chandlery", "steps of the custom house", "slipway"],
    "weather": ["fog", "first snow", "east wind", "great storm", "long calm", "spring tide", "frost"],
    "animal": ["grey cat", "one-eyed gull", "lame dog", "pilot's goose", "white heron", "crab"],
    "thing": [
        "a brass compass",
        "a barrel of salt",
        "a letter from {place}",
        "a coil of tarred rope",
        "a silver button",
    ]
    + ["a loaf of black bread", "a cracked bell", "a lantern with no wick", "a map of {place}", "two dried herrings"],
    "doing": ["mending nets", "counting the boats", "asleep", "waiting for the tide", "whistling", "painting a sign"],
    "doing_it": ["hauling the rope", "rowing home", "salting the fish", "trimming the lamp", "patching the sail"],
    "habit": ["counted the waves every morning", "spoke only to the {animal}", "kept {thing} in a boot"]
    + ["could smell the {weather} a day ahead", "baked bread for the {animal}", "slept in a {ship} all summer"],
    "habit_not": ["left {place}", "sailed in a {ship}", "spoke to the {person}", "walked on the {where}"],
    "act": ["lit the lamp", "went home by the {where}", "laughed until the {animal} woke", "hid {thing} in the hold"]
    + ["said nothing at all", "rowed out to the {ship}", "sold {thing} to the {person}", "waited for {time}"],
    "animal_act": ["said nothing", "stole a herring", "looked out to sea", "slept", "flew to {place}", "blinked twice"],
    "time": ["dawn", "noon", "low water", "dusk", "midnight", "the turn of the tide"],
    "quality": ["cold", "honest", "slow", "fine", "heavy", "bright", "lonely"],
    "count": ["Two", "three", "five", "seven", "eleven", "forty"],
    "When": ["When", "Before", "The night", "Just as", "The morning after"],
    "Where_to": ["Where", "And where", "For what port"],
}


def write(rule, choose):
    text = choose(GRAMMAR[rule])
    while "{" in text:
        before, _, rest = text.partition("{")
        name, _, after = rest.partition("}")
        text = before + write(name, choose) + after
    return text


def main():
    choose = random.Random(1).choice
    tales = []
    while sum(map(len, tales)) < 80_000:
        tale = write("tale", choose)
        sentences = [s[:1].upper() + s[1:] for s in tale.split(". ")]
        tales.append(". ".join(sentences))
    Path(__file__).with_name("harbour_tales.txt").write_text("\n\n".join(tales) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
