// Draws the figure that a chart is given, once plotly.js is there, and again in the size that it is shown in.
const plot = element.querySelector(".mma-plot");
const script = document.getElementById("mma-plotly");
const library = window.Plotly
  ? Promise.resolve()
  : new Promise((resolve) => script.addEventListener("load", resolve, { once: true }));

async function draw() {
  await library;
  if (!props.value) return;
  const { data, layout } = JSON.parse(props.value);
  await Plotly.react(plot, data, { ...layout, autosize: true }, { responsive: true });
}

watch("value", draw);
draw();
new ResizeObserver(() => {
  if (plot.classList.contains("js-plotly-plot") && plot.offsetWidth) Plotly.Plots.resize(plot);
}).observe(element);
