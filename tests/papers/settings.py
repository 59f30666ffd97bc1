"""The README's table of settings, made from the file with the defaults.

`settings.py README DEFAULTS` fails if the table is another one;
`--write` puts the right one there.
"""

import pathlib
import re
import sys

BEGIN = "<!-- settings: written by `make readme` -->\n"
END = "<!-- end of settings -->\n"

SECTION = re.compile(r"\[(?P<profile>\w+)(?:\.(?P<section>\w+))?\]$")
# What `cargo generate` reads of the file: lines for other answers than all, and tags.
LIQUID = re.compile(r"\{\{ newline \}\}.*?\{% else %\}|\{%.*?%\}")
KEY = re.compile(r"(?P<unset># )?(?P<key>[a-z_]+) = (?P<value>.+)$")


def settings(text):
    """Groups of keys that share a comment: (section, comment, [(key, value, unset)])."""
    groups, overrides = [], {}
    profile, section, comment, keys = None, None, [], []

    def flush():
        nonlocal comment, keys
        if keys:
            groups.append((section, " ".join(comment), keys))
        comment, keys = [], []

    for line in LIQUID.sub("", text).splitlines():
        if named := SECTION.match(line):
            flush()
            profile, section, comment = named["profile"], named["section"], []
        elif set_ := KEY.match(line):
            if profile == "default":
                keys.append((set_["key"], set_["value"], bool(set_["unset"])))
            else:
                overrides[(section, set_["key"])] = (profile, set_["value"])
        elif line.startswith("#"):
            if keys:
                flush()
            comment.append(line.lstrip("# "))
        else:
            flush()
    flush()
    return groups, overrides


def table(text):
    groups, overrides = settings(text)
    rows = ["| setting | default | |", "|---|---|---|"]
    for section, comment, keys in groups:
        names = [f"{section}.{key}" if section else key for key, _, _ in keys]
        values = []
        for key, value, unset in keys:
            shown = f"(`{value}`)" if unset else f"`{value}`"
            if (section, key) in overrides:
                profile, other = overrides[(section, key)]
                shown += f", {profile}: `{other}`"
            values.append(shown)
        rows.append(
            "| {} | {} | {} |".format(
                "<br>".join(f"`{name}`" for name in names),
                "<br>".join(values),
                comment.replace("|", "\\|"),
            )
        )
    return "\n".join(rows) + "\n"


def main(readme, defaults, write):
    readme = pathlib.Path(readme)
    text = readme.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not found or not found_end:
        return f"{readme}: no {BEGIN.strip()} … {END.strip()}"
    made = pathlib.Path(defaults).read_text(encoding="utf-8")
    right = f"{before}{BEGIN}\n{table(made)}\n{END}{after}"
    if right == text:
        return None
    if not write:
        return f"{readme}: its table of settings is not that of {defaults}; `make readme` writes it"
    readme.write_text(right, encoding="utf-8")
    return None


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--write"]
    sys.exit(main(*arguments, write="--write" in sys.argv))
