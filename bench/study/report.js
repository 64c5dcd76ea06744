// SPDX-License-Identifier: BSL-1.0
// Draws the charts of the page from the data in it.
'use strict';

const looks = {  // colour, shape, dash, width
  'first': ['--first', 'circle', [], 2.5],
  'second': ['--second', 'triangle', [], 2.5],
  'third': ['--third', 'rectRot', [], 2.5],
  'fourth': ['--fourth', 'rect', [], 2.5],
  'boost': ['--boost', 'rect', [], 2.5],
  'mutex': ['--mutex', 'rectRot', [], 2.5],
  'spin': ['--spin', 'triangle', [], 2.5],
  'tas': ['--boost', 'rect', [], 2.5],
  'lock-free': ['--ink', 'circle', [], 1],
  'reference': ['--first', 'circle', [], 1],
  'reference-second': ['--second', 'triangle', [], 1],
  'floor': ['--floor', false, [7, 4], 1.5],
  'floor-cas': ['--floor', false, [2, 3], 1.5],
  'pawl-alone': ['--first', 'circle', [], 2],
  'pawl-contended': ['--boost', 'circle', [], 2],
  'std-alone': ['--second', 'rectRot', [], 2],
  'std-contended': ['--third', 'rectRot', [], 2],
};

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const digits = value => value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
const nanoseconds = ops => ops > 0 ? 1e9 / ops : NaN;

const threadCount = n => `${n} thread${n === 1 ? '' : 's'}`;

// A bar from the worst repetition to the best through every point; where it leaves the chart, it ends in an arrow.
const errorBars = {
  id: 'errorBars',
  afterDatasetsDraw(chart) {
    const pen = chart.ctx;
    const sideways = chart.options.indexAxis === 'y';
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i) || !dataset.bars) return;
      const scale = chart.scales[sideways ? 'x' : 'y'];
      pen.save();
      pen.strokeStyle = dataset.borderColor;
      pen.lineWidth = 1.25;
      pen.beginPath();
      chart.getDatasetMeta(i).data.forEach((point, j) => {
        const {low, high} = dataset.data[j];
        if (low === undefined) return;
        const line = (x1, y1, x2, y2) => {
          pen.moveTo(x1, y1);
          pen.lineTo(x2, y2);
        };
        // Along the scale and across it, whichever lies sideways.
        const across = sideways ? point.y : point.x;
        const draw = (a1, c1, a2, c2) => sideways ? line(a1, c1, a2, c2) : line(c1, a1, c2, a2);
        const inside = value => Math.min(Math.max(value, scale.min), scale.max);
        const [from, to] = [low, high].map(value => scale.getPixelForValue(inside(value)));
        draw(from, across, to, across);
        for (const [end, value, back] of [[from, low, Math.sign(to - from)], [to, high, Math.sign(from - to)]]) {
          if (value === inside(value)) {
            draw(end, across - 3, end, across + 3);
          } else {
            for (const side of [-4, 4]) draw(end, across, end + 6 * back, across + side);
          }
        }
      });
      pen.stroke();
      pen.restore();
    });
  },
};

function dataset(series, points) {
  const [name, shape, dash, width] = looks[series.style];
  const line = colour(name);
  return {
    label: series.name,
    data: points,
    bars: shape !== false,
    borderColor: line,
    backgroundColor: line,
    borderDash: dash,
    borderWidth: width,
    pointBorderWidth: 1,
    pointStyle: shape || 'line',
    pointRadius: shape ? 5 : 0,
    pointHoverRadius: shape ? 7 : 4,
    pointHitRadius: 12,
  };
}

// 1000 is 1k: axes have little room.
const short = value => value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`;

// Of 1, 2, 3, 5, 10, 20 ... as many as have room between these ends when they stand so many pixels from each other: at least every
// second, third ... power of ten.
const fewTicks = (unit, ends, apart) => function(value) {
  const decade = (this.isHorizontal() ? this.width : this.height) / Math.log10(ends.max / ends.min);
  const room = [[[1, 2, 3, 5], 1.5], [[1, 2, 5], 2], [[1, 3], 3], [[1], 10]].find(([, closest]) => decade * Math.log10(closest) >= apart);
  const [mantissa, power] = value.toExponential().split('e').map(Number);
  const labelled = room ? room[0].includes(mantissa) : mantissa === 1 && power % Math.ceil(apart / decade) === 0;
  const rounded = Number(value.toPrecision(3));
  return labelled ? (unit ? rounded + unit : short(rounded)) : null;
};

// The ends of a logarithmic axis: all points, and the bars as long as they don't squeeze everything else together.
function range(datasets) {
  const positive = key => datasets.flatMap(each => each.data.map(point => point[key])).filter(value => value > 0);
  const value = datasets[0]?.sideways ? 'x' : 'y';
  const points = positive(value);
  const [least, most] = [Math.min(...points), Math.max(...points)];
  return {
    min: Math.max(Math.min(...positive('low')), least / 2.5) / 1.12,
    max: Math.min(Math.max(...positive('high')), most * 2.5) * 1.12,
  };
}

function common() {
  const [ink, soft, rule, card] = ['--ink', '--soft', '--rule', '--card'].map(colour);
  const axis = title => ({
    grid: {color: rule, borderColor: rule},
    ticks: {color: soft, autoSkip: false, maxRotation: 0},
    title: {display: true, text: title, color: soft},
  });
  return {
    axis,
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: {mode: 'nearest', intersect: false, axis: 'xy'},
      plugins: {
        legend: {
          position: 'top', align: 'start',
          labels: {color: ink, usePointStyle: true, boxWidth: 22, boxHeight: 7, padding: 10, font: {size: 13}},
        },
        tooltip: {
          backgroundColor: card, titleColor: ink, bodyColor: ink, borderColor: rule, borderWidth: 1, padding: 10,
          usePointStyle: true,
        },
      },
    },
  };
}

function costLines(result) {
  const at = n => digits(n * result.threads);
  const lines = [`${at(nanoseconds(result.ops_per_second))} ns per operation and thread` +
                 ` (${at(nanoseconds(result.max))} to ${at(nanoseconds(result.min))})`];
  if (result.handover_ns) lines.push(`hand-over ${result.handover_ns.toFixed(0)} ns`);
  lines.push(`${result.repetitions} repetitions`, result.guarantee);
  return lines;
}

// What a chart of lines shows of a result: a value and the range of the repetitions.
function shown(chart, result) {
  const {measure} = chart;
  if (!measure) return {y: result.ops_per_second / 1e6, low: result.min / 1e6, high: result.max / 1e6};
  const {median, min, max} = result.fairness[measure.key];
  return {y: median / measure.scale, low: min / measure.scale, high: max / measure.scale};
}

function drawLines(chart, canvas) {
  const {axis, options} = common();
  const last = chart.threads.length - 1;
  // Series stand a little beside each other, so that their bars don't hide one another.
  const step = 0.045;
  const datasets = chart.series.map((series, i) => {
    const aside = looks[series.style][1] ? (i - (chart.series.length - 1) / 2) * step : 0;
    return {
      ...dataset(series, series.points.flatMap((r, x) => r ? [{
        x: x + aside, ...shown(chart, r), result: r,
      }] : [])),
      showLine: true,
    };
  });
  const ends = range(datasets);
  options.scales = {
    x: {
      ...axis('threads'), type: 'linear', min: -0.3, max: last + 0.3,
      afterBuildTicks: scale => { scale.ticks = chart.threads.map((_, x) => ({value: x})); },
    },
    y: {...axis(chart.measure ? chart.measure.axis : 'million operations/s'), type: 'logarithmic', ...ends},
  };
  options.scales.x.ticks = {...options.scales.x.ticks, callback: x => chart.threads[x]};
  options.scales.y.ticks = {...options.scales.y.ticks, callback: fewTicks(chart.measure ? '' : ' M', ends, 16)};
  if (chart.measure && !chart.measure.logarithmic) {  // from none to all, and a little air
    Object.assign(options.scales.y, {
      type: 'linear', min: -0.03, max: 1.03,
      afterBuildTicks: scale => { scale.ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(value => ({value})); },
    });
    options.scales.y.ticks.callback = value => value;
  }
  options.plugins.tooltip.callbacks = {
    title: items => items[0].dataset.label,
    label: item => {
      const {result} = item.raw;
      const what = chart.measure ? chart.measure.unit : ' M ops/s';
      return `${threadCount(result.threads)}: ${digits(item.raw.y)}${what} (${digits(item.raw.low)} to ${digits(item.raw.high)})`;
    },
    afterBody: items => costLines(items[0].raw.result),
  };
  return new Chart(canvas, {type: 'scatter', data: {datasets}, options, plugins: [errorBars]});
}

function drawDots(chart, canvas) {
  const {axis, options} = common();
  const step = 0.16;
  const datasets = chart.series.map((series, i) => dataset(series, series.points.flatMap((r, row) => r ? [{
    x: nanoseconds(r.ops_per_second) * r.threads,
    y: row + (i - (chart.series.length - 1) / 2) * step,
    low: nanoseconds(r.max) * r.threads,
    high: nanoseconds(r.min) * r.threads,
    result: r,
  }] : [])));
  for (const each of datasets) each.sideways = true;
  const ends = range(datasets);
  options.indexAxis = 'y';
  options.scales = {
    x: {...axis('ns per operation'), type: 'logarithmic', ...ends, position: 'bottom'},
    y: {
      ...axis(''), type: 'linear', reverse: true, min: -0.6, max: chart.rows.length - 0.4,
      afterBuildTicks: scale => { scale.ticks = chart.rows.map((_, row) => ({value: row})); },
    },
  };
  options.scales.y.title.display = false;
  options.scales.x.ticks = {...options.scales.x.ticks, callback: fewTicks('', ends, 30)};
  options.scales.y.ticks = {...options.scales.y.ticks, callback: row => chart.rows[row]};
  options.plugins.tooltip.callbacks = {
    title: items => chart.rows[Math.round(items[0].raw.y)],
    label: item => item.dataset.label,
    afterBody: items => costLines(items[0].raw.result),
  };
  return new Chart(canvas, {type: 'scatter', data: {datasets}, options, plugins: [errorBars]});
}

const charts = JSON.parse(document.getElementById('charts').textContent);
let drawn = [];
function draw() {
  Chart.defaults.font.family = 'system-ui, sans-serif';
  Chart.defaults.font.size = 13;
  for (const each of drawn) each.destroy();
  drawn = charts.map(chart => (chart.kind === 'dots' ? drawDots : drawLines)(chart, document.getElementById(chart.id)));
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
draw();
