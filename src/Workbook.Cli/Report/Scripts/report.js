// Draws what the page holds as data: charts by plotly.js, formulas by Temml. One that can't be drawn keeps no other from it.
(function () {
  function chart(numbers) {
    const place = numbers.previousElementSibling.querySelector('.wb-chart');
    const { data, layout, fit } = JSON.parse(numbers.textContent);
    const color = () => getComputedStyle(place).color;
    layout.font = Object.assign({}, layout.font, { color: color() });
    place.textContent = '';
    if (fit) {
      place.style.height = Math.min(fit[0], Math.round(place.clientWidth * fit[1]) + fit[2]) + 'px';
    }

    Plotly.newPlot(place, data, layout, { responsive: true, displayModeBar: false });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => Plotly.relayout(place, { 'font.color': color() }));
  }

  function formula(place) {
    const written = place.textContent;
    try {
      temml.render(written.trim().slice(2, -2), place, { displayMode: place.matches('div,.display') });
    } catch (fault) {
      place.textContent = written;
      place.classList.add('temml-error');
    }
  }

  function each(selector, draw) {
    for (const place of document.querySelectorAll(selector)) {
      try {
        draw(place);
      } catch (fault) {
        console.warn(fault);
      }
    }
  }

  addEventListener('DOMContentLoaded', () => {
    if (window.Plotly) {
      each('script.chart-data', chart);
    }

    if (window.temml) {
      each('.math', formula);
    }
  });

  // Frames say how high they are, and nothing else is heard of them.
  addEventListener('message', message => {
    const height = Number(message.data && message.data.height);
    for (const frame of document.querySelectorAll('iframe.frame')) {
      if (frame.contentWindow === message.source && height >= 0) {
        frame.style.height = Math.min(height, 20000) + 'px';
      }
    }
  });
})();
