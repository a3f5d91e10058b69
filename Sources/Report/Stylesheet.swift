/// The look of a report: system fonts, one column, colours named once for light and once for dark.
enum Stylesheet {
  private static func names(_ colors: [String]) -> String {
    colors.enumerated().map { "--s\($0): \($1);" }.joined(separator: " ")
  }

  static let css = """
    :root {
      --paper: #fbfaf8; --card: \(Palette.papers.light); --ink: #23262b; --soft: #5f6670; --line: #e3e0da; --accent: #2f6690;
      --good: #23775a; --bad: #b23a48; --code: #f2f0ec;
      --shade: #9fb8d6;
      \(names(Palette.light))
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #16181c; --card: \(Palette.papers.dark); --ink: #e6e4df; --soft: #a0a6b0; --line: #33373e; --accent: #83b6dc;
        --good: #6fc7a3; --bad: #ee8a92; --code: #22262c;
        --shade: #3d5f86;
        \(names(Palette.dark))
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
    h2 + .charts { margin-top: 0; }
    h2 { font-size: 1.3rem; font-weight: 600; margin: 0 0 1rem; }
    header { margin-bottom: 3rem; }
    section { margin-top: 3.2rem; }
    .brand {
      margin: 0 0 .6rem; font-size: .82rem; letter-spacing: .08em; text-transform: uppercase;
      color: var(--accent);
    }
    .summary { font-size: 1.15rem; color: var(--soft); max-width: 42em; margin: 0; white-space: pre-line; }
    .note { font-size: .85rem; color: var(--soft); margin: .7rem 0 0; }
    bdi { unicode-bidi: isolate; }

    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { padding: .4rem .9rem; text-align: left; font-weight: 400; }
    th:first-child, td:first-child { padding-left: 0; }
    td:last-child, th:last-child { padding-right: 0; }
    thead th { font-size: .85rem; color: var(--soft); border-bottom: 1px solid var(--soft); }
    tbody tr:last-child > * { border-bottom: 1px solid var(--line); }
    .number { text-align: right; }
    .number, .name, tbody th { white-space: nowrap; }
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
    .wide { grid-column: 1 / -1; }
    .chart { width: 100%; min-width: 0; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem .3rem; margin: 0 0 .6rem; padding: 0; }
    button, select, input { font: inherit; font-size: .84rem; color: var(--ink); }
    .legend button {
      display: flex; align-items: center; gap: .4rem; min-height: 1.7rem; padding: .1rem .5rem; border: 0;
      border-radius: 6px; background: none; cursor: pointer; text-align: left; font-size: .8rem;
    }
    .legend button:hover { background: var(--code); }
    .legend button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
    .legend svg { flex: none; }
    .legend span { color: var(--soft); }
    .thresholds .charts { grid-template-columns: minmax(0, 46rem); }
    details { margin-top: .7rem; font-size: .84rem; }
    summary { cursor: pointer; color: var(--soft); }
    details .scroll { max-height: 20rem; overflow: auto; margin-top: .4rem; }
    .cloud { display: block; width: 100%; max-width: 50rem; height: auto; margin: 0 auto; }
    .w0 { fill: var(--ink); } .w1 { fill: var(--s0); } .w2 { fill: var(--s4); } .w3 { fill: var(--s7); }
    nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 1.4rem 0 0; padding: 0; }
    a { color: var(--accent); text-underline-offset: .2em; }
    h3 { font-size: 1rem; font-weight: 600; margin: 1.8rem 0 .6rem; }
    * + .charts { margin-top: 1.2rem; }
    .charts + .scroll { margin-top: 1.6rem; }

    .controls { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.4rem; margin-bottom: 1rem; }
    [hidden] { display: none !important; }
    label { font-size: .84rem; color: var(--soft); }
    select, input[type="search"], .pages button {
      padding: .3rem .5rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card);
    }
    .slide { display: flex; align-items: center; gap: .6rem; flex: 1 1 18rem; }
    .slide output { min-width: 2.4em; color: var(--ink); font-variant-numeric: tabular-nums; }
    .slide input { flex: 1; min-width: 6rem; height: 1.8rem; accent-color: var(--accent); }
    .scores { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 0 0 1rem; }
    .scores dd { font-size: 1.15rem; font-variant-numeric: tabular-nums; min-height: 1.6em; }
    .count { font-size: .84rem; color: var(--soft); margin-left: auto; }
    .pages { display: flex; justify-content: center; gap: .8rem; margin-top: 1.2rem; }
    .pages button { cursor: pointer; min-height: 2.2rem; }
    .pages button:disabled { opacity: .4; cursor: default; }

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
      display: grid; grid-template-columns: 1.1em minmax(0, 7em) minmax(0, 1fr) 2.6em; gap: 0 .4rem; padding: .32rem 0;
      border-top: 1px solid var(--line); align-items: baseline;
    }
    .answer { overflow-wrap: anywhere; }
    .method { color: var(--soft); overflow-wrap: anywhere; }
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
