// The worker's side: it trains in short turns, so that orders are heard in between.
function lsWorker(trainer, scope) {
  const EVERY = 20;
  let data, training, history, stop, running, turn, timer;

  const report = () => {
    const shot = training.snapshot();
    if (history.at(-1)?.step !== shot.step) history.push(trainer.summary(shot));
    const done = trainer.finished(history, stop);
    if (done) running = false;
    scope.postMessage({ ...shot, running, done, turn });
  };

  function go() {
    if (!running) return;
    do training.step();
    while (training.taken % EVERY);
    report();
    timer = setTimeout(go, 0);
  }

  const orders = {
    load: ({ packed }) => {
      data = trainer.unpack(packed);
    },
    restart: (order) => {
      training = new trainer.Trainer(data, order.settings);
      ({ stop, turn } = order);
      history = [];
      running = false;
      report();
    },
    show: ({ classes }) => {
      training.show(classes);
      report();
    },
    stop: (order) => {
      stop = order.stop;
      report();
    },
    run: () => {
      clearTimeout(timer);
      running = !trainer.finished(history, stop);
      go();
    },
    pause: () => {
      running = false;
      report();
    },
    step: () => {
      running = false;
      training.step();
      report();
    },
  };
  scope.onmessage = ({ data: order }) => orders[order.order](order);
}
