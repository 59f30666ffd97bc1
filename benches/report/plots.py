"""Plots of what was measured, as SVG that is the same for the same figures."""

import pathlib

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

plt.rcParams.update(
    {
        # Text stays text, and identifiers don't change from run to run.
        "svg.fonttype": "none",
        "svg.hashsalt": "benches",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e4e4e4",
        "axes.axisbelow": True,
        "figure.facecolor": "white",
    }
)

# What a reader knows them by.
LABELS = {
    "bare": "bare sockets",
    "tutorial": "axum, as in tutorials",
    "service": "this service",
    "service-rooms.v1": "this service, rooms.v1",
    "ws": "ws on Node",
    "Socket.IO": "Socket.IO on Node",
}
SERVICE, LIMIT, OTHERS = "#0b6e99", "#8a8a8a", "#d9a05b"


def find(tables, start):
    """The table whose title starts so; `None` if that was not measured."""
    return next((each for each in tables if each.title.startswith(start)), None)


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def sockets(table, path):
    """Totals against the number of sockets: what is straight has no knee."""
    rows = list(zip(table.rows, table.column("sockets")))
    panels = [
        ("memory, MiB", "memory each", 1 / 1024),
        ("CPU to open all, s", "CPU to open", 1e-6),
        ("time to open all, s", "time to open", 1e-6),
        ("CPU to ping all, s", "CPU to ping", 1e-6),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(12, 3))
    for axis, (label, heading, scale) in zip(axes, panels):
        values = table.column(heading)
        for server, colour in (("service", SERVICE), ("bare", LIMIT)):
            points = [
                (count, value * count * scale)
                for (row, count), value in zip(rows, values)
                if row[0] == server and value is not None
            ]
            if points:
                axis.plot(*zip(*points), "o-", color=colour, label=server, markersize=4)
        axis.set_title(label, fontsize=10, loc="left")
        axis.set_xlabel("sockets")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.xaxis.set_major_locator(plt.MaxNLocator(4))
    axes[0].legend(frameon=False)
    save(figure, path)


def deliveries(members, rooms, path):
    """CPU per delivery against the size of a room, and the number of rooms."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, table, heading, label in (
        (axes[0], members, "members", "members of one room"),
        (axes[1], rooms, "rooms", "rooms of two"),
    ):
        for server, colour in (("service", SERVICE), ("bare", LIMIT)):
            axis.plot(table.column(heading), table.column(server), "o-", color=colour, label=server)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_xlabel(label)
        axis.set_ylim(bottom=0)
        axis.set_title("CPU per delivery, µs", fontsize=10, loc="left")
    axes[0].legend(frameon=False)
    save(figure, path)


def peers(table, path):
    """A point for each server, on scales that multiply."""
    panels = [
        ("CPU per delivery, 32 in flight, µs", "CPU, 32 in flight"),
        ("p99 at a fixed rate, ms", "p99"),
        ("memory per idle socket, KiB", "memory per socket, 100 rooms"),
    ]
    panels = [(label, heading) for label, heading in panels if heading in table.headings]
    names = [row[0] for row in table.rows]
    shown = [at for at, name in enumerate(names) if name not in ("service-long", "tutorial-nagle")]
    shown.reverse()
    figure, axes = plt.subplots(1, len(panels), figsize=(12, 3), sharey=True, squeeze=False)
    for axis, (label, heading) in zip(axes[0], panels):
        values = table.column(heading)
        axis.set_xscale("log")
        for place, at in enumerate(shown):
            if values[at] is None:
                continue
            colour = SERVICE if names[at].startswith("service") else OTHERS
            colour = LIMIT if names[at] == "bare" else colour
            axis.plot(values[at], place, "o", color=colour, markersize=9)
            axis.annotate(
                f"{values[at]:,g}", (values[at], place), (8, 0), textcoords="offset points", va="center"
            )
        axis.set_yticks(range(len(shown)), [LABELS.get(names[at], names[at]) for at in shown])
        axis.set_ylim(-0.6, len(shown) - 0.4)
        # Room for what stands beside the last.
        low, high = axis.get_xlim()
        axis.set_xlim(low / 1.5, high * 4)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axis.set_title(label, fontsize=10, loc="left")
    save(figure, path)


def draw(tables, folder):
    """Draws what was measured; gives a heading, a file's name, and its description
    in words for each plot."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if table := find(tables, "every server"):
        peers(table, folder / "peers.svg")
        yield (
            "Beside others",
            "peers.svg",
            "CPU per delivery, p99 latency at a fixed rate, and memory per idle "
            "socket: a bare program, the service, and the servers of others",
        )
    members, rooms = (
        find(tables, f"fanout, CPU per delivery in µs against {what}") for what in ("the members", "rooms")
    )
    if members and rooms:
        deliveries(members, rooms, folder / "deliveries.svg")
        yield (
            "Against rooms and members",
            "deliveries.svg",
            "CPU per delivery of the service and of a bare program, against the members "
            "of one room, and against the number of rooms of two",
        )
    if table := find(tables, "connecting, what each socket costs"):
        sockets(table, folder / "sockets.svg")
        yield (
            "Against sockets",
            "sockets.svg",
            "Memory, CPU to open, time to open, and CPU to ping, of the service and of a "
            "bare program, against the number of sockets: straight lines",
        )
