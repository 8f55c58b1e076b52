"use strict";
// Draws the charts: a group of bars for each method, one bar for each JDK, whiskers for the errors.
// `charts` finds a drawn chart by the id of its element.
const charts = new Map();

const COLOURS = { ours: ["#0b7285", "#22b8cf"], rivals: ["#868e96", "#ced4da"] };
const WHISKER = "#343a40";

function formatted(value) {
  return Number(value.toPrecision(3)).toLocaleString("en");
}

function errorBars(chart, index) {
  const bars = chart.series[index].values;
  return {
    type: "custom",
    name: chart.series[index].name,
    silent: true,
    z: 3,
    encode: { x: [1, 2], y: 0 },
    data: bars.flatMap((bar, i) => (bar && bar.high > bar.low ? [[i, bar.low, bar.high]] : [])),
    renderItem(params, api) {
      const [left, middle] = api.coord([Math.max(api.value(1), chart.least), api.value(0)]);
      const [right] = api.coord([api.value(2), api.value(0)]);
      const layout = api.barLayout({ barMaxWidth: 16, barGap: "10%", count: chart.series.length })[index];
      const y = middle + layout.offsetCenter;
      const end = layout.width / 3;
      const line = (x1, y1, x2, y2) => ({
        type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: WHISKER, lineWidth: 1 },
      });
      return {
        type: "group",
        children: [line(left, y, right, y), line(left, y - end, left, y + end), line(right, y - end, right, y + end)],
      };
    },
  };
}

function bars(chart, index) {
  const shade = index % COLOURS.ours.length;
  return {
    type: "bar",
    name: chart.series[index].name,
    barMaxWidth: 16,
    barGap: "10%",
    itemStyle: { color: COLOURS.rivals[shade] },
    data: chart.series[index].values.map((bar, i) => ({
      value: bar && (bar.value > 0 || !chart.log) ? bar.value : "-",
      itemStyle: { color: COLOURS[chart.ours[i] ? "ours" : "rivals"][shade] },
    })),
  };
}

function options(chart) {
  const values = chart.series.flatMap((series) => series.values.filter(Boolean).map((bar) => bar.value));
  // A logarithmic axis has no zero for bars to begin at: they begin a power of ten below the least.
  chart.least = chart.log ? 10 ** Math.floor(Math.log10(Math.min(...values.filter((v) => v > 0))) - 0.3) : 0;
  const indices = chart.series.map((_, i) => i);
  return {
    animation: false,
    backgroundColor: "#fff",
    textStyle: { fontFamily: "sans-serif" },
    aria: { enabled: true },
    grid: { left: 4, right: 40, top: chart.series.length > 1 ? 32 : 8, bottom: 40, containLabel: true },
    legend: { show: chart.series.length > 1, data: chart.series.map((series) => series.name), left: "left" },
    tooltip: {
      trigger: "axis",
      confine: true,
      axisPointer: { type: "shadow" },
      formatter: (points) => {
        const row = points[0].dataIndex;
        return [chart.bars[row]].concat(chart.series.flatMap((series) => series.values[row]
          ? [`${series.name}: ${series.values[row].text} ${chart.unit}`] : [])).join("<br>");
      },
    },
    xAxis: {
      type: chart.log ? "log" : "value",
      min: chart.least,
      splitNumber: 3,
      name: chart.log ? `${chart.unit}, logarithmic` : chart.unit,
      nameLocation: "middle",
      nameGap: 26,
      axisLabel: { hideOverlap: true, formatter: formatted },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: chart.bars,
      axisTick: { show: false },
      axisLabel: { width: 120, overflow: "break", lineHeight: 14, interval: 0 },
    },
    series: indices.map((i) => bars(chart, i)).concat(indices.map((i) => errorBars(chart, i))),
  };
}

function draw(chart) {
  const element = document.getElementById(chart.id);
  element.style.height = `${72 + chart.bars.length * (18 + 16 * chart.series.length)}px`;
  const drawn = echarts.init(element, null, { renderer: "svg" });
  drawn.setOption(options(chart));
  charts.set(chart.id, drawn);
}

JSON.parse(document.getElementById("data").textContent).answers.flatMap((answer) => answer.charts).forEach(draw);
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
