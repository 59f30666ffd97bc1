"""What counts as a break, and what doesn't."""

import copy
import unittest

from contract import breaks

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Tea", "version": "0.1.0"},
    "paths": {
        "/cups": {
            "get": {
                "operationId": "listCups",
                "tags": ["cups"],
                "security": [],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
                ],
                "responses": {
                    "200": {
                        "description": "Cups",
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Cup"}}},
                        },
                    },
                },
            },
            "post": {
                "operationId": "fillCup",
                "tags": ["cups"],
                "security": [{"bearer": []}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewCup"}}},
                },
                "responses": {
                    "201": {
                        "description": "A cup",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cup"}}},
                    },
                    "400": {"description": "No cup"},
                },
            },
        },
    },
    "components": {
        "schemas": {
            "Kind": {"type": "string", "enum": ["green", "black"]},
            "NewCup": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind"],
                "properties": {
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "name": {"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^[a-z]+$"},
                    "sugar": {"type": ["integer", "null"], "default": 0},
                },
            },
            "Cup": {
                "type": "object",
                "required": ["id", "kind"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "state": {"type": "string", "x-extensible-enum": ["hot", "cold"]},
                    "within": {"oneOf": [{"$ref": "#/components/schemas/Cup"}, {"type": "null"}]},
                },
            },
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
        },
    },
}


class Changed:
    """A copy of the document with a change."""

    def __init__(self):
        self.document = copy.deepcopy(DOCUMENT)
        self.paths = self.document["paths"]
        self.list, self.fill = self.paths["/cups"]["get"], self.paths["/cups"]["post"]
        self.schemas = self.document["components"]["schemas"]
        self.new_cup, self.cup = self.schemas["NewCup"], self.schemas["Cup"]
        self.asked, self.answered = self.new_cup["properties"], self.cup["properties"]
        self.limit = self.list["parameters"][0]
        self.content = self.fill["responses"]["201"]["content"]


def drop(mapping, key):
    del mapping[key]


BREAKS = {
    "a path": (lambda c: drop(c.paths, "/cups"), "/cups: removed"),
    "an operation": (lambda c: drop(c.paths["/cups"], "get"), "GET /cups: removed"),
    "an operationId": (lambda c: c.list.update(operationId="cups"), "operationId listCups is cups"),
    "a tag": (lambda c: c.list.update(tags=["tea"]), "tags ['cups'] are ['tea']"),
    "a server": (lambda c: c.document.update(servers=[{"url": "/v2"}]), "servers: changed"),
    "a token that is wanted": (lambda c: c.list.update(security=[{"bearer": []}]), "security {} is not enough"),
    "another kind of token": (lambda c: c.fill.update(security=[{"basic": []}]), "is not enough"),
    "two kinds at once": (lambda c: c.fill.update(security=[{"bearer": [], "basic": []}]), "is not enough"),
    "a scheme": (
        lambda c: c.document["components"]["securitySchemes"]["bearer"].update(scheme="digest"),
        "security scheme bearer: changed",
    ),
    "a parameter": (lambda c: drop(c.list, "parameters"), "parameter limit: removed"),
    "a new required parameter": (
        lambda c: c.list["parameters"].append({"name": "of", "in": "query", "required": True, "schema": {}}),
        "parameter of: new, and required",
    ),
    "a parameter that is required": (lambda c: c.limit.update(required=True), "limit: required now"),
    "a bound of a parameter": (lambda c: c.limit["schema"].update(maximum=50), "maximum 100 is 50"),
    "the type of a parameter": (lambda c: c.limit["schema"].update(type="string"), "type 'integer' is 'string'"),
    "a body": (lambda c: drop(c.fill, "requestBody"), "body: removed"),
    "a body that is required": (
        lambda c: c.list.update(requestBody={"required": True, "content": {}}),
        "body: required now",
    ),
    "a media type of a body": (
        lambda c: c.fill["requestBody"].update(content={"text/plain": {}}),
        "application/json removed",
    ),
    "a new required field": (
        lambda c: (c.asked.update(milk={"type": "boolean"}), c.new_cup["required"].append("milk")),
        "NewCup in requests.milk: required now",
    ),
    "a field that is required": (lambda c: c.new_cup["required"].append("name"), "requests.name: required now"),
    "a field of a request": (lambda c: drop(c.asked, "name"), "requests.name: removed"),
    "a value of a request": (lambda c: c.schemas["Kind"].update(enum=["green"]), "Kind in requests: enum"),
    "a longest text": (lambda c: c.asked["name"].update(maxLength=9), "maxLength 10 is 9"),
    "a shortest text": (lambda c: c.asked["name"].update(minLength=2), "minLength 1 is 2"),
    "a new bound": (lambda c: c.asked["sugar"].update(maximum=3), "maximum absent is 3"),
    "a pattern": (lambda c: c.asked["name"].update(pattern="^[a-f]+$"), "pattern"),
    "null in a request": (lambda c: c.asked["sugar"].update(type="integer"), "type ['integer', 'null'] is 'integer'"),
    "a default": (lambda c: c.asked["sugar"].update(default=2), "default 0 is 2"),
    "an answer": (lambda c: drop(c.fill["responses"], "400"), "POST /cups 400: removed"),
    "a new success": (lambda c: c.fill["responses"].update({"202": {}}), "202: new"),
    "a media type of an answer": (lambda c: drop(c.content, "application/json"), "application/json removed"),
    "a new media type": (lambda c: c.content.update({"text/plain": {}}), "text/plain is new"),
    "a header": (lambda c: drop(c.list["responses"]["200"], "headers"), "header ETag: removed"),
    "a field of an answer": (lambda c: drop(c.answered, "state"), "Cup in answers.state: removed"),
    "a field that may be absent": (lambda c: c.cup["required"].remove("id"), "answers.id: may be absent"),
    "a new value": (lambda c: c.schemas["Kind"]["enum"].append("white"), "Kind in answers: enum"),
    "any value": (lambda c: drop(c.schemas["Kind"], "enum"), "Kind in answers: enum"),
    "null in an answer": (lambda c: c.answered["id"].update(type=["string", "null"]), "answers.id: type"),
    "a format": (lambda c: drop(c.answered["id"], "format"), "format 'uuid' is absent"),
    "a known value": (
        lambda c: c.answered["state"].update({"x-extensible-enum": ["hot"]}),
        "cold is not among the known values",
    ),
    "another alternative": (
        lambda c: c.answered["within"]["oneOf"].append({"type": "string"}),
        "answers.within: an alternative is new",
    ),
    "a schema's name": (
        lambda c: (c.schemas.update(Pot=c.schemas.pop("NewCup")), rename(c.document, "NewCup", "Pot")),
        "schema NewCup is Pot now",
    ),
}

FREE = {
    "nothing": lambda c: None,
    "words": lambda c: c.list.update(summary="Cups", description="All of them"),
    "a new path": lambda c: c.paths.update({"/pots": {"get": {"operationId": "listPots"}}}),
    "a new operation": lambda c: c.paths["/cups"].update({"delete": {"operationId": "breakCups"}}),
    "a new parameter": lambda c: c.list["parameters"].append({"name": "of", "in": "query", "schema": {}}),
    "a wider bound": lambda c: c.limit["schema"].update(maximum=200),
    "a bound less": lambda c: drop(c.asked["name"], "maxLength"),
    "a pattern less": lambda c: drop(c.asked["name"], "pattern"),
    "a field that may be left out": lambda c: c.new_cup.update(required=[]),
    "a new field to ask with": lambda c: c.asked.update(milk={"type": "boolean"}),
    "more types to ask with": lambda c: c.limit["schema"].update(type=["integer", "string"]),
    "integers and more": lambda c: c.limit["schema"].update(type="number"),
    "a new field of an answer": lambda c: c.answered.update(weight={"type": "number"}),
    "a field that is always there": lambda c: c.cup["required"].append("state"),
    "a new known value": lambda c: c.answered["state"]["x-extensible-enum"].append("empty"),
    "an alternative less": lambda c: c.answered.update(within={"$ref": "#/components/schemas/Cup"}),
    "a new refusal": lambda c: c.fill["responses"].update({"429": {"description": "Later"}}),
    "a new header": lambda c: c.list["responses"]["200"]["headers"].update({"Age": {"schema": {}}}),
    "a header's capitals": lambda c: c.list["responses"]["200"].update(headers={"etag": {"schema": {"type": "string"}}}),
    "no token any more": lambda c: c.fill.update(security=[]),
    "another token as well": lambda c: c.fill["security"].append({"basic": []}),
    "a value in place of a reference": lambda c: c.answered.update(kind=copy.deepcopy(c.schemas["Kind"])),
    "parts of a whole": lambda c: c.schemas.update(
        Cup={"allOf": [{"properties": c.cup["properties"]}, {"type": "object", "required": c.cup["required"]}]}
    ),
}


def rename(value, old, new):
    if isinstance(value, dict):
        if value.get("$ref", "").endswith(f"/{old}"):
            value["$ref"] = value["$ref"].removesuffix(old) + new
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            rename(one, old, new)


class Contract(unittest.TestCase):
    def test_breaks_are_found(self):
        for name, (change, expected) in BREAKS.items():
            with self.subTest(name):
                changed = Changed()
                change(changed)
                found = breaks(DOCUMENT, changed.document)
                self.assertTrue(any(expected in line for line in found), found)

    def test_the_rest_is_free(self):
        for name, change in FREE.items():
            with self.subTest(name):
                changed = Changed()
                change(changed)
                self.assertEqual(breaks(DOCUMENT, changed.document), [])

    def test_what_is_widened_both_ways_breaks_one_of_them_only(self):
        changed = Changed()
        changed.schemas["Kind"]["enum"].append("white")
        self.assertEqual(len(breaks(DOCUMENT, changed.document)), 1)


if __name__ == "__main__":
    unittest.main()
