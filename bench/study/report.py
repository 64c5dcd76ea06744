# SPDX-License-Identifier: BSL-1.0
"""Makes DIR/report.html of DIR/study.json: report.py DIR. One file that needs nothing else, neither beside it nor from a network."""

import html
import json
import pathlib
import sys

import chart_library
import charts
import summary

here = pathlib.Path(__file__).parent

# The browser itself is told to load nothing.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
{body}
<script type="application/json" id="charts">{data}</script>
<script>{library}</script>
<script>{script}</script>
</body>
</html>
"""


def escape(text):
    return html.escape(str(text))


def script_text(text):
    """As the content of a script element, which ends at the first end tag, whatever it stands in."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def size(count):
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count // 1024} KiB"


def context_table(context):
    caches = ", ".join(f"L{each['level']} {each['type'].lower()} {size(each['bytes'])}" for each in context["caches"])
    atomics = context.get("seconds_per_repetition_of_atomics")
    rows = {
        "Processor": f"{context['cpu']}, {context['cpus']} processors ({context['machine']})",
        "Caches": caches,
        "System": context["system"],
        "Compiler": f"{context['compiler']}, {context['flags'].strip()}",
        "pawl": f"commit {context['commit']}, backend {context['backend']}",
        "Boost": context["boost_version"],
        "Measured": f"{context['date']}, {context['repetitions']} interleaved repetitions of {context['seconds_per_repetition'] * 1000:.0f} ms "
                    f"each{f' (of atomics {1000 * atomics:.0f} ms)' if atomics else ''}{', quick' if context['quick'] else ''}",
    }
    return "<dl>" + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in rows.items()) + "</dl>"


def comparison_table(study):
    found = summary.comparisons(study["results"])
    if not found:
        return ""
    def best(each):
        return "" if each.best is None else f"<small>best repetitions: {each.best:.2f}</small>"

    rows = "".join(
        f'<tr><th scope="row">{escape(each.text)}</th><td class="number">{each.value:.2f}</td>'
        f'<td class="{"good" if each.good else "bad"}">{"✓ reached" if each.good else "✗ not reached"}'
        f'<small>goal: {escape(each.goal)}</small>{best(each)}</td></tr>' for each in found)
    return ('<section id="short"><h2>In short</h2><p>What pawl promises about its speed, as this run measured it: ratios of medians of '
            'runs that were interleaved in one process.</p><div class="scroll"><table><thead><tr><th>Promise</th><th>Measured</th>'
            f"<th></th></tr></thead><tbody>{rows}</tbody></table></div></section>")


def cell(result, as_cost, measure=None):
    if result is None:
        return '<td class="number">–</td>'
    if measure:
        spread = result["fairness"][measure["key"]]
        low, middle, high = (summary.digits(spread[each] / measure["scale"]) for each in ("min", "median", "max"))
        return f'<td class="number">{middle}<small>{low}–{high}</small></td>'
    if as_cost:
        low, high = (1e9 * result["threads"] / result[end] for end in ("max", "min"))
        return f'<td class="number">{summary.digits(result["ns_per_op"])}<small>{summary.digits(low)}–{summary.digits(high)}</small></td>'
    low, middle, high = (summary.millions(result[each]) for each in ("min", "ops_per_second", "max"))
    return f'<td class="number">{middle}<small>{low}–{high}</small></td>'


def handover_row(chart):
    """The median over a column: that the points of a chart were measured under like conditions is part of what it says."""
    cells = ""
    for i in range(len(chart["threads"])):
        found = [each["points"][i]["handover_ns"] for each in chart["series"] if each["points"][i] and each["points"][i]["handover_ns"]]
        cells += f'<td class="number">{sorted(found)[len(found) // 2]:.0f} ns</td>' if found else '<td class="number">–</td>'
    return f'<tr class="handover"><th scope="row">hand-over of a line</th>{cells}</tr>'


def chart_table(chart):
    if chart["kind"] == "dots":
        head = "".join(f"<th>{escape(each['name'])}</th>" for each in chart["series"])
        rows = "".join(f'<tr><th scope="row">{escape(name)}</th>{"".join(cell(each["points"][i], True) for each in chart["series"])}</tr>'
                       for i, name in enumerate(chart["rows"]))
        caption = "ns per operation and thread: median, and the range of the repetitions"
    else:
        head = "".join(f"<th>{n} thread{'s' if n > 1 else ''}</th>" for n in chart["threads"])
        measure = chart.get("measure")
        rows = "".join(f'<tr><th scope="row"><span class="key {each["style"]}"></span>{escape(each["name"])}</th>'
                       f'{"".join(cell(point, False, measure) for point in each["points"])}</tr>' for each in chart["series"])
        rows += handover_row(chart)
        caption = (measure or {"caption": "million operations per second, all threads together"})["caption"]
        caption += ": median, and the range of the repetitions"
    return (f'<div class="scroll"><table><caption>{caption}</caption><thead><tr><th></th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def chart_figure(chart):
    height = 130 + 34 * len(chart["rows"]) if chart["kind"] == "dots" else 340
    return (f'<figure><h3>{escape(chart["title"])}</h3><p>{chart["why"]}</p>'
            f'<div class="canvas" style="height:{height}px"><canvas id="{escape(chart["id"])}" role="img" '
            f'aria-label="{escape(chart["title"])}; the table below has the numbers"></canvas></div>{chart_table(chart)}</figure>')


def make(study):
    context = study["context"]
    sections = charts.sections(study)
    title = f"pawl under contention: {context['cpu']}, {context['cpus']} processors"
    links = "".join(f'<a href="#{structure}">{escape(words)}</a>' for structure, words, _ in sections)
    handovers = [each["handover_ns"] for each in study["results"] if each["handover_ns"]]
    moved = f" In this run it was {min(handovers):.0f} to {max(handovers):.0f} ns." if handovers else ""
    body = (f"<header><h1>pawl under contention</h1>{context_table(context)}<nav>{links}</nav></header><main>{comparison_table(study)}"
            '<section><h2>How to read this</h2><p>Points are medians, bars reach from the worst repetition to the best. Scales are '
            'logarithmic (but for shares): equal distances are equal ratios. A push counts as one operation, and a pop as another. Only what gives '
            'the same guarantee shares a chart; the grey dashed lines are the <em>floor</em>, what bare instructions reach on one shared '
            'line with nothing between them. Under contention a structure may pass the line of the compare-and-swap: what a thread does '
            'between two attempts leaves the line to others, so that fewer fail. A bar with an arrow goes on '
            'beyond the chart; the table has its end. '
            f'Contended numbers follow the <em>hand-over</em>, the time to get a cache line from another core: it was measured '
            f"beside every point.{moved} Disturbance only slows, so the best says as much as the median.</p></section>")
    for structure, words, drawn in sections:
        body += f'<section id="{structure}"><h2>{escape(words)}</h2><div class="figures">{"".join(map(chart_figure, drawn))}</div></section>'
    body += f"</main><footer>Made of study.json by bench/study/report.py, with Chart.js {chart_library.version} (MIT).</footer>"
    drawn = [{key: chart[key] for key in ("id", "kind", "title", "threads", "rows", "series", "measure") if key in chart}
             for _, _, each in sections for chart in each]
    # "<" can't end a script element when it is written as an escape.
    data = json.dumps(drawn, separators=(",", ":")).replace("<", "\\u003c")
    return PAGE.format(title=escape(title), css=(here / "report.css").read_text(), body=body, data=data,
                       library=script_text(chart_library.source()), script=script_text((here / "report.js").read_text()))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    (folder / "report.html").write_text(make(summary.load(folder)), encoding="utf-8")
