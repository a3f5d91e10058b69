// What a report's page does when it is opened: draws its charts with Apache ECharts, moves the threshold, turns the
// gallery's pages. Data comes from JSON elements of the page, and text from it is only ever set as text.
"use strict";
(() => {
  const data = (element) => JSON.parse(element.textContent);
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /// The options with every `var(--name)` replaced by the style sheet's colour, which depends on light and dark.
  const coloured = (value) => {
    if (typeof value === "string") {
      const match = /^var\((--[a-z0-9]+)\)$/.exec(value);
      return match ? style(match[1]) : value;
    }
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part)]));
    }
    return value;
  };

  // MARK: Charts

  /// An area within one deviation of a curve; drawn once, with the first of its points.
  const band = ({ data, shade }) => (params, api) => {
    if (params.dataIndex !== 0) return null;
    const edge = (column, rows) => rows.map((row) => api.coord([row[0], row[column]]));
    return {
      type: "polygon",
      shape: { points: edge(2, data).concat(edge(1, data.slice().reverse())) },
      style: { fill: api.visual("color"), opacity: shade },
    };
  };

  /// A line from one end of a deviation to the other, with a stroke at each.
  const whisker = (params, api) => {
    const low = api.coord([api.value(0), api.value(2)]);
    const high = api.coord([api.value(1), api.value(2)]);
    const line = (x1, y1, x2, y2) => ({
      type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: api.visual("color"), lineWidth: 1.5 },
    });
    return {
      type: "group",
      children: [
        line(low[0], low[1], high[0], high[1]),
        line(low[0], low[1] - 5, low[0], low[1] + 5),
        line(high[0], high[1] - 5, high[0], high[1] + 5),
      ],
    };
  };

  const rounded = (value) => (typeof value === "number" ? String(+value.toFixed(4)) : String(value ?? "–"));

  const stillness = matchMedia("(prefers-reduced-motion: reduce)");

  /// What a chart's options lack because JSON cannot say it, or because every chart has it.
  const completed = (source) => {
    const option = coloured(source);
    const axis = {
      axisLine: { lineStyle: { color: style("--soft") } },
      axisLabel: { color: style("--soft") },
      nameTextStyle: { color: style("--soft") },
      splitLine: { lineStyle: { color: style("--line") } },
    };
    const merged = (one, other) => {
      const result = { ...one };
      for (const [key, value] of Object.entries(other)) {
        const isBoth = value && typeof value === "object" && !Array.isArray(value) && result[key];
        result[key] = isBoth ? merged(result[key], value) : value;
      }
      return result;
    };
    option.xAxis = merged(axis, option.xAxis);
    option.yAxis = merged(axis, option.yAxis);
    option.legend = { show: false };
    option.animation = !stillness.matches;
    option.animationDuration = 300;
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily, color: style("--ink") };
    option.tooltip = {
      confine: true, backgroundColor: style("--card"), borderColor: style("--line"),
      textStyle: { color: style("--ink"), fontSize: 12 }, valueFormatter: rounded, ...option.tooltip,
    };
    for (const series of option.series) {
      if (series.kind === "band") series.renderItem = band(series);
      if (series.kind === "whisker") series.renderItem = whisker;
      if (series.label) series.label.color = style("--ink");
      if (series.data) {
        for (const item of series.data) if (item && item.label) item.label.color = style("--ink");
      }
      if (series.type === "custom") series.clip = true;
    }
    return option;
  };

  const charts = [];

  class DrawnChart {
    constructor(figure) {
      this.figure = figure;
      this.source = data(figure.querySelector("script.option"));
      this.place = figure.querySelector(".chart");
      this.hidden = new Set();
      this.draw();
      new ResizeObserver(() => this.chart.resize()).observe(this.place);
      for (const button of figure.querySelectorAll(".legend button")) {
        button.addEventListener("click", () => {
          const name = button.dataset.series;
          const isShown = this.hidden.delete(name);
          if (!isShown) this.hidden.add(name);
          button.setAttribute("aria-pressed", String(isShown));
          this.chart.dispatchAction({ type: "legendToggleSelect", name });
        });
      }
    }

    draw() {
      if (this.chart) this.chart.dispose();
      this.chart = echarts.init(this.place, null, { renderer: "svg" });
      this.chart.setOption(completed(this.source));
      for (const name of this.hidden) this.chart.dispatchAction({ type: "legendUnSelect", name });
      // The place is an image with a description; what the library put inside it is not to be read out.
      for (const child of this.place.children) child.setAttribute("aria-hidden", "true");
    }

    update(change) {
      change(this.source);
      this.chart.setOption(completed(this.source));
    }
  }

  for (const figure of document.querySelectorAll("figure.drawn")) charts.push(new DrawnChart(figure));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.draw()));

  // MARK: Thresholds

  for (const explorer of document.querySelectorAll(".thresholds")) {
    const labels = data(explorer.querySelector("script.counts"));
    const chart = charts.find((chart) => explorer.contains(chart.figure));
    const slider = explorer.querySelector("input");
    const select = explorer.querySelector("select");
    const share = (part, whole) => (whole > 0 ? part / whole : 0);
    const scores = (label, step) => {
      const flagged = label.tp[step] + label.fp[step];
      return {
        precision: share(label.tp[step], flagged),
        recall: share(label.tp[step], label.support),
        F1: share(2 * label.tp[step], flagged + label.support),
        "flagged share": share(flagged, label.total),
        flagged,
      };
    };
    const tell = () => {
      const label = labels[select ? select.selectedIndex : 0];
      const step = Number(slider.value);
      const found = scores(label, step);
      for (const output of explorer.querySelectorAll("output")) {
        const value = output.dataset.score === "threshold" ? step / 100 : found[output.dataset.score];
        output.textContent =
          output.dataset.score === "threshold" ? value.toFixed(2)
          : output.dataset.score === "flagged" ? value + " of " + label.total : value.toFixed(3);
      }
      slider.setAttribute("aria-valuetext", "threshold " + (step / 100).toFixed(2));
      chart.update((option) => {
        for (const series of option.series) {
          series.data = label.tp.map((_, at) => [at / 100, scores(label, at)[series.name]]);
          delete series.markLine;
        }
        option.series[0].markLine = {
          silent: true, symbol: "none", animation: false, label: { show: false },
          lineStyle: { color: "var(--ink)", width: 1.5, type: "solid" }, data: [{ xAxis: step / 100 }],
        };
      });
    };
    slider.addEventListener("input", tell);
    if (select) select.addEventListener("change", tell);
    explorer.querySelector(".controls").hidden = false;
    tell();
  }

  // MARK: The gallery

  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const percent = (probability) => (typeof probability === "number" ? Math.round(probability * 100) + " %" : "—");

  const card = (item, answerers) => {
    const article = make("article");
    const picture = make("div", "picture");
    if (item.jpeg) {
      const image = make("img");
      image.alt = item.text ? "Meme: " + item.text : "Meme";
      image.src = "data:image/jpeg;base64," + item.jpeg;
      picture.append(image);
    } else {
      picture.append(make("span", "", item.omitted ? "picture left out, to keep the page small" : "no picture"));
    }
    const facts = make("div", "facts");
    const words = make("p", item.text ? "words" : "words none");
    words.append(make("bdi", "", item.text || "no text"));
    const truth = make("p", "truth");
    truth.append(make("span", "", "truth "), make("bdi", "", item.truth));
    const list = make("ul");
    item.answers.forEach(([label, probability, isRight], index) => {
      const row = make("li", isRight ? "right" : "wrong");
      const mark = make("span", "mark", isRight ? "✓" : "✗");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", isRight ? "right" : "wrong");
      const answer = make("span", "answer");
      answer.append(make("bdi", "", label));
      row.append(mark, make("span", "method", answerers[index]), answer, make("span", "percent", percent(probability)));
      list.append(row);
    });
    const id = make("p", "id");
    id.append(make("bdi", "", item.id));
    facts.append(words, truth, list, id);
    article.append(picture, facts);
    return article;
  };

  for (const gallery of document.querySelectorAll(".memes")) {
    const { answerers, items } = data(gallery.querySelector("script.items"));
    const size = 12;
    const [kind, order] = gallery.querySelectorAll("select");
    const search = gallery.querySelector("input");
    const [back, forth] = gallery.querySelectorAll(".pages button");
    const place = gallery.querySelector(".gallery");
    let shown = items;
    let page = 0;

    const fill = () => {
      const last = Math.max(0, Math.ceil(shown.length / size) - 1);
      page = Math.min(Math.max(page, 0), last);
      place.replaceChildren(...shown.slice(page * size, (page + 1) * size).map((item) => card(item, answerers)));
      const first = page * size + 1;
      gallery.querySelector(".count").textContent =
        shown.length === 0 ? "no such meme"
        : first + "–" + Math.min(first + size - 1, shown.length) + " of " + shown.length + " memes";
      back.disabled = page === 0;
      forth.disabled = page === last;
    };
    const choose = () => {
      const text = search.value.trim().toLowerCase();
      const isRight = (item) => item.answers[0][2] === 1;
      const kinds = {
        all: () => true, right: isRight, wrong: (item) => !isRight(item),
        divided: (item) => new Set(item.answers.map((answer) => answer[0])).size > 1,
      };
      const words = (item) => [item.text || "", item.id, item.truth].join(" ").toLowerCase();
      const sure = (item) => item.answers[0][1] ?? 0;
      shown = items.filter((item) => kinds[kind.value](item) && (text === "" || words(item).includes(text)));
      if (order.value === "sure") shown.sort((one, other) => sure(other) - sure(one));
      if (order.value === "unsure") shown.sort((one, other) => sure(one) - sure(other));
      page = 0;
      fill();
    };
    kind.addEventListener("change", choose);
    order.addEventListener("change", choose);
    search.addEventListener("input", choose);
    const turn = (step) => {
      page += step;
      fill();
      gallery.scrollIntoView({ block: "start" });
    };
    back.addEventListener("click", () => turn(-1));
    forth.addEventListener("click", () => turn(1));
    gallery.querySelector(".controls").hidden = false;
    gallery.querySelector(".pages").hidden = false;
    choose();
  }
})();
