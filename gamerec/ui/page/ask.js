// Questions to the kernel and their answers, over the widget's own messages.

const PATIENCE = 10000; // ms; a kernel that says nothing for so long is gone, or very busy

export class Lost extends Error {}

export class Fault extends Error {
  constructor(answer) {
    super(answer.fault);
    this.kind = answer.fault; // 'no_model' | 'usage' | 'error'
    this.id = answer.error_id;
  }
}

export function asker(model) {
  const waiting = new Map();
  let number = 0;
  const page = Math.random().toString(36).slice(2); // two views of one widget share its messages

  model.on("msg:custom", (message) => {
    const pending = message && message.page === page && waiting.get(message.id);
    if (!pending) return;
    waiting.delete(message.id);
    clearTimeout(pending.timer);
    if (message.fault) pending.reject(new Fault(message));
    else pending.resolve(message.answer);
  });

  function ask(what, question, tries) {
    number += 1;
    const id = number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        model.renew?.(); // outside of JupyterLab: another connection, and where it is gone another kernel
        if (tries > 1) ask(what, question, tries - 1).then(resolve, reject);
        else reject(new Lost());
      }, PATIENCE);
      waiting.set(id, { resolve, reject, timer });
      model.send({ page, id, what, question });
    });
  }

  // Feedback is said once: it may have been heard.
  return (what, question = {}) => ask(what, question, what === "feedback" ? 1 : 2);
}

// One question at a time, and of those that come meanwhile only the last: a slider being dragged.
export function latest(work) {
  let busy = false;
  let next = null;
  return async function run(...given) {
    if (busy) {
      next = given;
      return;
    }
    busy = true;
    try {
      await work(...given);
    } finally {
      busy = false;
      if (next) {
        const waiting = next;
        next = null;
        run(...waiting);
      }
    }
  };
}
