"""What the pages of evaluations share: style, and a document that is closed to the outside."""

from __future__ import annotations

import base64
import hashlib
import html

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16191d;--muted:#5d6673;--line:#e2e6eb;
--c0:#4c8fd6;--c1:#d4a017;--c2:#e8791a;--c3:#98a2b0;--c4:#46a846;--c5:#9b59b6}
@media(prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#161b22;--ink:#e8ecf1;--muted:#94a0af;--line:#262d37;--c0:#61b0ff;--c1:#e0b93a;--c2:#ff9a4a;--c4:#78d878;--c5:#c38be0}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 16px 64px}h1{font-size:30px;letter-spacing:-.01em;margin:0}h2{font-size:20px;margin:34px 0 4px}h3{font-size:15px;margin:0 0 6px}
p{color:var(--muted);margin:4px 0 12px;max-width:80ch}.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:14px 16px;min-width:0}
.chart{display:block;width:100%;height:auto}.chart text{fill:var(--muted);font-size:10.5px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line)}.line{fill:none;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1.2}.dot{stroke:var(--card);stroke-width:1}
td.off{color:var(--c2)}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}
.dot.c0{fill:var(--c0)}.dot.c1{fill:var(--c1)}.dot.c2{fill:var(--c2)}.dot.c3{fill:var(--c3)}.dot.c4{fill:var(--c4)}.dot.c5{fill:var(--c5)}
.keys{display:flex;flex-wrap:wrap;gap:4px 16px;margin:6px 0 12px;font-size:13px;color:var(--muted)}.chip{display:inline-flex;align-items:center;gap:6px}.chip i{width:18px;height:0;border-top:3px solid}.chip i.dashed{border-top-style:dashed}
.chip .c0{border-color:var(--c0)}.chip .c1{border-color:var(--c1)}.chip .c2{border-color:var(--c2)}.chip .c3{border-color:var(--c3)}.chip .c4{border-color:var(--c4)}.chip .c5{border-color:var(--c5)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:4px 10px 4px 0;border-top:1px solid var(--line);white-space:nowrap}
th{color:var(--muted);font-weight:500}td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}tr.default td{font-weight:600}tr.first td{border-top:2px solid var(--line)}
"""


def document(title: str, body: str, extra_style: str = "") -> str:
    """A page without scripts; only pictures that are inside it are shown.

    Args:
        body: HTML.
        extra_style: added to the shared style sheet.
    """
    style = STYLE + extra_style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )
