/// The look of a report: system fonts, one column, colours named once for light and once for dark.
enum Stylesheet {
  private static let seriesRules = (0..<8).map { index in
    ".s\(index) { stroke: var(--s\(index)); } .bar.s\(index), .band.s\(index) { fill: var(--s\(index)); stroke: none; }"
  }.joined(separator: "\n")

  // The eight series colours keep apart for the common kinds of colour blindness and against both backgrounds.
  static let css = """
    :root {
      --paper: #fbfaf8; --card: #ffffff; --ink: #23262b; --soft: #5f6670; --line: #e3e0da; --accent: #2f6690;
      --good: #23775a; --bad: #b23a48; --code: #f2f0ec;
      --s0: #2f6690; --s1: #d17a22; --s2: #3d8b6d; --s3: #a44a7d; --s4: #7a6bb2;
      --s5: #8a7d2d; --s6: #4aa3b5; --s7: #7b5643;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #16181c; --card: #1e2126; --ink: #e6e4df; --soft: #a0a6b0; --line: #33373e; --accent: #83b6dc;
        --good: #6fc7a3; --bad: #ee8a92; --code: #22262c;
        --s0: #83b6dc; --s1: #f0aa62; --s2: #77c4a4; --s3: #dd8fba; --s4: #b0a4e3;
        --s5: #cdbf6a; --s6: #86d0de; --s7: #c9a08a;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; max-width: 70rem; padding: 3.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
      font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
      -webkit-text-size-adjust: 100%; overflow-wrap: break-word;
    }
    h1, h2, .summary { font-family: Charter, "Iowan Old Style", Georgia, "Noto Serif", "DejaVu Serif", serif; }
    h1 {
      font-size: clamp(1.7rem, 1.2rem + 2.4vw, 2.6rem); line-height: 1.2; font-weight: 600; margin: 0 0 .8rem;
      text-wrap: balance;
    }
    h2 { font-size: 1.3rem; font-weight: 600; margin: 0 0 1rem; }
    header { margin-bottom: 3rem; }
    section { margin-top: 3.2rem; }
    .brand {
      margin: 0 0 .6rem; font-size: .82rem; letter-spacing: .08em; text-transform: uppercase;
      color: var(--accent);
    }
    .summary { font-size: 1.15rem; color: var(--soft); max-width: 42em; margin: 0; }
    .note { font-size: .85rem; color: var(--soft); margin: .7rem 0 0; }
    bdi { unicode-bidi: isolate; }

    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { padding: .4rem .9rem; text-align: left; font-weight: 400; }
    th:first-child, td:first-child { padding-left: 0; }
    td:last-child, th:last-child { padding-right: 0; }
    thead th { font-size: .85rem; color: var(--soft); border-bottom: 1px solid var(--soft); }
    tbody tr:last-child > * { border-bottom: 1px solid var(--line); }
    .number { text-align: right; white-space: nowrap; }
    .best { font-weight: 650; }
    .published { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
    tr.start > * { border-top: 1px solid var(--line); }

    .charts {
      display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
      align-items: start;
    }
    figure {
      margin: 0; padding: 1.2rem 1.2rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: 10px;
    }
    figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .8rem; }
    svg {
      display: block; width: 100%; height: auto; max-width: 27rem; margin: 0 auto; font-size: 12px;
      font-variant-numeric: tabular-nums;
    }
    svg text { fill: var(--ink); unicode-bidi: isolate; }
    svg .tick, svg .name { fill: var(--soft); font-size: 11px; }
    svg .group { font-weight: 600; }
    svg .group, svg .value { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
    svg .value { font-size: 11.5px; }
    .grid { stroke: var(--line); }
    .axis { stroke: var(--soft); }
    .whisker { stroke: var(--ink); stroke-width: 1.4; }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    .band { fill-opacity: .13; }
    .dot { fill: var(--card); stroke-width: 2; }
    .chance { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
    .cell { fill: var(--code); }
    .shade { fill: var(--accent); }
    svg .count { font-size: 14px; font-weight: 600; }
    svg .share { font-size: 11px; }
    \(seriesRules)

    .gallery {
      display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15.5rem), 1fr));
    }
    article {
      display: flex; flex-direction: column; background: var(--card); border: 1px solid var(--line);
      border-radius: 10px; overflow: hidden;
    }
    .picture {
      position: relative; aspect-ratio: 4 / 3; background: var(--code); display: flex; align-items: center;
      justify-content: center; color: var(--soft); font-size: .85rem;
    }
    .picture img { position: absolute; width: 100%; height: 100%; object-fit: contain; }
    .facts { padding: .9rem 1rem .8rem; display: flex; flex-direction: column; flex: 1; min-width: 0; }
    .words { margin: 0 0 .7rem; line-height: 1.4; overflow: hidden; overflow-wrap: anywhere; }
    .words.none { color: var(--soft); font-style: italic; }
    .truth { margin: 0 0 .4rem; font-size: .9rem; }
    .truth span { color: var(--soft); }
    article ul { list-style: none; margin: 0 0 .7rem; padding: 0; font-size: .84rem; }
    article li {
      display: grid; grid-template-columns: 1.1em 1fr auto; gap: 0 .4rem; padding: .32rem 0;
      border-top: 1px solid var(--line); align-items: baseline;
    }
    .method, .answer { overflow-wrap: anywhere; }
    .method { grid-column: 2 / 4; color: var(--soft); font-size: .92em; line-height: 1.35; }
    .percent { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .mark { font-weight: 700; }
    .right .mark { color: var(--good); }
    .wrong .mark, .wrong .answer { color: var(--bad); }
    .id {
      margin: auto 0 0; font-size: .74rem; color: var(--soft);
      font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
      overflow-wrap: anywhere;
    }

    pre, code {
      font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86rem;
    }
    pre {
      margin: 0; padding: 1.1rem 1.3rem; background: var(--code); border-radius: 10px; overflow-x: auto;
      line-height: 1.6;
    }
    .comment { color: var(--soft); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.6rem; margin: 0; font-size: .92rem; }
    dt { color: var(--soft); }
    dd { margin: 0; overflow-wrap: anywhere; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
    @media (max-width: 30rem) {
      body { padding: 2rem 1rem 3rem; }
      figure { padding: 1rem .7rem .8rem; }
      pre { white-space: pre-wrap; overflow-wrap: anywhere; }
      th, td { padding: .45rem .55rem; font-size: .88rem; }
      .picture { aspect-ratio: auto; min-height: 9rem; }
      .picture img { position: static; height: auto; max-height: 26rem; }
    }
    @media print { section { break-inside: avoid; } }
    """
}
