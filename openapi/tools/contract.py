"""What of an OpenAPI 3.1 document its clients rely on, compared with another.

A change is a break if a request that was right is not any more, if an answer
may be what it could not be before, or if code that was generated from the old
document would not compile against that of the new one. Words are free.

What is not looked at: callbacks, webhooks, links, examples, `not`, `if`,
`dependentSchemas`, `patternProperties`, `prefixItems`; keywords beside `oneOf`
and `anyOf`; whether one pattern takes all that another does: any change of a
pattern counts.
"""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Keywords that bound a value from below and from above.
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")

REQUEST, ANSWER = "request", "answer"


def breaks(old, new):
    """Every break between two documents, as lines of text."""
    comparison = Comparison(old, new)
    comparison.documents()
    return comparison.found


class Comparison:
    def __init__(self, old, new):
        self.old, self.new = old, new
        self.found = []
        self.compared = set()
        self.under_way = set()

    def say(self, where, what):
        line = f"{where}: {what}"
        if line not in self.found:
            self.found.append(line)

    def documents(self):
        old, new = self.old, self.new
        if old.get("servers") != new.get("servers"):
            self.say("servers", "changed")
        for path, item in old.get("paths", {}).items():
            if path not in new.get("paths", {}):
                self.say(path, "removed")
                continue
            other = new["paths"][path]
            for method in METHODS:
                if method not in item:
                    continue
                where = f"{method.upper()} {path}"
                if method not in other:
                    self.say(where, "removed")
                    continue
                self.operation(where, (item, item[method]), (other, other[method]))
        schemas = new.get("components", {}).get("schemas", {})
        for name in old.get("components", {}).get("schemas", {}):
            if name not in schemas:
                self.say(f"schema {name}", "removed, and generated code names it")

    def operation(self, where, old, new):
        (old_item, old), (new_item, new) = old, new
        if old.get("operationId") != new.get("operationId"):
            self.say(where, f"operationId {old.get('operationId')} is {new.get('operationId')} now")
        if old.get("tags") != new.get("tags"):
            self.say(where, f"tags {old.get('tags')} are {new.get('tags')} now")
        self.security(where, old, new)
        self.parameters(
            where,
            old_item.get("parameters", []) + old.get("parameters", []),
            new_item.get("parameters", []) + new.get("parameters", []),
        )
        self.body(where, self.deref(self.old, old.get("requestBody")), self.deref(self.new, new.get("requestBody")))
        self.responses(where, old.get("responses", {}), new.get("responses", {}))

    # Who may ask

    def security(self, where, old, new):
        olds = requirements(self.old, old)
        news = requirements(self.new, new)
        for credentials in olds:
            if not any(suffices(wanted, credentials) for wanted in news):
                self.say(where, f"security {show(credentials)} is not enough any more")
            for name in credentials:
                schemes = [
                    self.deref(document, document.get("components", {}).get("securitySchemes", {}).get(name))
                    for document in (self.old, self.new)
                ]
                essence = [{k: v for k, v in (s or {}).items() if k != "description"} for s in schemes]
                if essence[0] != essence[1] and schemes[1] is not None:
                    self.say(f"security scheme {name}", "changed")

    # What is asked

    def parameters(self, where, old, new):
        olds = {key(p): p for p in (self.deref(self.old, p) for p in old)}
        news = {key(p): p for p in (self.deref(self.new, p) for p in new)}
        for (place, name), parameter in olds.items():
            here = f"{where} {place} parameter {name}"
            other = news.get((place, name))
            if other is None:
                self.say(here, "removed")
                continue
            if other.get("required") and not parameter.get("required"):
                self.say(here, "required now")
            for keyword in ("style", "explode"):
                if parameter.get(keyword) != other.get(keyword):
                    self.say(here, f"{keyword} changed")
            self.schema(here, parameter.get("schema", {}), other.get("schema", {}), REQUEST)
        for (place, name), parameter in news.items():
            if (place, name) not in olds and parameter.get("required"):
                self.say(f"{where} {place} parameter {name}", "new, and required")

    def body(self, where, old, new):
        here = f"{where} body"
        if new is None:
            if old is not None:
                self.say(here, "removed")
            return
        if new.get("required") and not (old or {}).get("required"):
            self.say(here, "required now")
        self.content(here, (old or {}).get("content", {}), new.get("content", {}), REQUEST)

    # What is answered

    def responses(self, where, old, new):
        for status, response in old.items():
            here = f"{where} {status}"
            if status not in new:
                self.say(here, "removed")
                continue
            response = self.deref(self.old, response)
            other = self.deref(self.new, new[status])
            if other.get("content") and not response.get("content"):
                self.say(here, "has a body now")
            self.content(here, response.get("content", {}), other.get("content", {}), ANSWER)
            self.headers(here, response.get("headers", {}), other.get("headers", {}))
        for status in new:
            if status not in old and status.startswith(("1", "2", "3")):
                self.say(f"{where} {status}", "new, and no client expects it")

    def headers(self, where, old, new):
        news = {name.lower(): header for name, header in new.items()}
        for name, header in old.items():
            here = f"{where} header {name}"
            if name.lower() not in news:
                self.say(here, "removed")
                continue
            header = self.deref(self.old, header)
            other = self.deref(self.new, news[name.lower()])
            self.schema(here, header.get("schema", {}), other.get("schema", {}), ANSWER)

    def content(self, where, old, new, direction):
        for kind, media in old.items():
            if kind not in new:
                self.say(where, f"{kind} removed")
                continue
            self.schema(where, media.get("schema", {}), new[kind].get("schema", {}), direction)
        if direction == ANSWER and old:
            for kind in new.keys() - old.keys():
                self.say(where, f"{kind} is new, and no client expects it")

    # What values look like

    def schema(self, where, old, new, direction):
        names = reference(old), reference(new)
        if all(names):
            if names[0] != names[1]:
                self.say(where, f"schema {names[0]} is {names[1]} now")
            if (*names, direction) in self.compared:
                return
            self.compared.add((*names, direction))
            where = f"{names[0]} in {direction}s"
        # One that refers to itself would never end.
        pair = show(old), show(new), direction
        if pair in self.under_way:
            return
        self.under_way.add(pair)
        self.expanded(where, old, new, direction)
        self.under_way.remove(pair)

    def expanded(self, where, old, new, direction):
        old, new = self.expand(self.old, old), self.expand(self.new, new)
        if old is False or new is False:
            if old != new:
                self.say(where, "nothing is valid there, before or after")
            return
        if "oneOf" in old or "anyOf" in old or "oneOf" in new or "anyOf" in new:
            self.alternatives(where, alternatives(old), alternatives(new), direction)
            return
        self.values(where, old, new, direction)
        self.fields(where, old, new, direction)
        if "items" in old or "items" in new:
            self.schema(f"{where}[]", old.get("items", {}), new.get("items", {}), direction)

    def alternatives(self, where, old, new, direction):
        # Whatever may come must be taken by whoever gets it.
        come, taken = (old, new) if direction == REQUEST else (new, old)
        for one in come:
            if any(not self.apart(*self.sides(one, other, direction), direction) for other in taken):
                continue
            some = [self.sides(one, other, direction) for other in taken if same_types(self, one, other, direction)]
            if len(some) == 1:
                self.schema(where, *some[0], direction)
            else:
                gone = "is not taken any more" if direction == REQUEST else "is new, and no client expects it"
                self.say(where, f"an alternative {gone}")

    @staticmethod
    def sides(come, taken, direction):
        return (come, taken) if direction == REQUEST else (taken, come)

    def apart(self, old, new, direction):
        """The breaks between two schemas, without saying them."""
        inner = Comparison(self.old, self.new)
        inner.compared = set(self.compared)
        inner.under_way = set(self.under_way)
        inner.schema("", old, new, direction)
        return inner.found

    def values(self, where, old, new, direction):
        narrow, wide = (old, new) if direction == REQUEST else (new, old)

        def changed(keyword):
            self.say(where, f"{keyword} {show(old.get(keyword))} is {show(new.get(keyword))} now")

        if not types(narrow) <= types(wide):
            changed("type")
        if values(wide) is not None and (values(narrow) is None or not values(narrow) <= values(wide)):
            changed("enum" if "enum" in old or "enum" in new else "const")
        for keyword in LOWER:
            if keyword in wide and wide[keyword] > narrow.get(keyword, float("-inf")):
                changed(keyword)
        for keyword in UPPER:
            if keyword in wide and wide[keyword] < narrow.get(keyword, float("inf")):
                changed(keyword)
        for keyword in ("pattern", "multipleOf", "uniqueItems"):
            if wide.get(keyword) and wide[keyword] != narrow.get(keyword):
                changed(keyword)
        # Generators choose types by it.
        if old.get("format") != new.get("format"):
            changed("format")
        if direction == REQUEST and old.get("default") != new.get("default") and "default" in old:
            changed("default")
        gone = set(old.get("x-extensible-enum", ())) - set(new.get("x-extensible-enum", ()))
        for value in sorted(map(str, gone)):
            self.say(where, f"{value} is not among the known values any more")

    def fields(self, where, old, new, direction):
        olds, news = old.get("properties", {}), new.get("properties", {})
        for name, schema in olds.items():
            if name in news:
                self.schema(f"{where}.{name}", schema, news[name], direction)
            else:
                self.say(f"{where}.{name}", "removed")
        required = set(old.get("required", ())), set(new.get("required", ()))
        if direction == REQUEST:
            for name in sorted(required[1] - required[0]):
                self.say(f"{where}.{name}", "required now")
        else:
            for name in sorted((required[0] - required[1]) & news.keys()):
                self.say(f"{where}.{name}", "may be absent now")
        more = old.get("additionalProperties", True), new.get("additionalProperties", True)
        narrow, wide = more if direction == REQUEST else reversed(more)
        if wide is False and narrow is not False:
            self.say(where, "additionalProperties changed")
        elif isinstance(wide, dict):
            self.schema(f"{where}.*", *({} if one is True else one for one in more), direction)
        if direction == ANSWER and more[0] is False:
            for name in sorted(news.keys() - olds.keys()):
                self.say(f"{where}.{name}", "new, where nothing more was to come")

    # References

    @staticmethod
    def deref(document, value):
        while isinstance(value, dict) and "$ref" in value:
            target = document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def expand(self, document, schema):
        """A schema without `$ref` and `allOf` at its top."""
        if isinstance(schema, bool):
            return {} if schema else False
        whole = {}
        beside = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
        parts = [beside, *schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(self.deref(document, {"$ref": schema["$ref"]}))
        for part in parts:
            if part is not beside:
                part = self.expand(document, part)
                if part is False:
                    return False
            for keyword, value in part.items():
                if keyword == "properties":
                    whole[keyword] = whole.get(keyword, {}) | value
                elif keyword == "required":
                    whole[keyword] = whole.get(keyword, []) + value
                else:
                    whole.setdefault(keyword, value)
        return whole


def key(parameter):
    name = parameter["name"]
    return parameter["in"], name.lower() if parameter["in"] == "header" else name


def reference(schema):
    if isinstance(schema, dict) and "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    return None


def requirements(document, operation):
    """The sets of credentials of which one is wanted."""
    wanted = operation.get("security", document.get("security", []))
    return wanted or [{}]


def suffices(wanted, credentials):
    return all(
        scheme in credentials and set(scopes) <= set(credentials[scheme])
        for scheme, scopes in wanted.items()
    )


def alternatives(schema):
    return schema.get("oneOf") or schema.get("anyOf") or [schema]


def same_types(comparison, come, taken, direction):
    old, new = comparison.sides(come, taken, direction)
    return types(comparison.expand(comparison.old, old) or {}) == types(comparison.expand(comparison.new, new) or {})


ANY = frozenset(("null", "boolean", "object", "array", "number", "string"))


def types(schema):
    kinds = schema.get("type", ANY)
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    # Every integer is a number.
    return kinds | {"integer"} if "number" in kinds else kinds


def values(schema):
    """The only values there are, comparable; `None` if there are more."""
    if "const" in schema:
        return {show(schema["const"])}
    return {show(value) for value in schema["enum"]} if "enum" in schema else None


def show(value):
    return "absent" if value is None else repr(value)
