import type { VNode } from "preact";
import type { App } from "../shell/app.ts";
import { SPARK_HEIGHT, SPARK_WIDTH, type Line } from "../shell/line.ts";

const HEADS = ["Symbol", "Trend", "Last", "Change", "Bid", "Ask", "Ticks", "Age"];

export function Watchlist({ app }: { app: App }): VNode {
  return (
    <section id="market" aria-labelledby="watchlist-head">
      <h2 id="watchlist-head" class="unseen">Watchlist</h2>
      <form
        id="add"
        onSubmit={(event) => {
          event.preventDefault();
          const field = event.currentTarget.elements.namedItem("symbol") as HTMLInputElement;
          app.add(field.value);
          field.value = "";
        }}
      >
        <label for="symbol">Add a symbol</label>
        <input id="symbol" name="symbol" autocomplete="off" autocapitalize="characters" spellcheck={false} required aria-describedby="problem" />
        <button>Add</button>
        <p id="problem" class="problem" role="status">{app.addProblem}</p>
      </form>
      <p class="help" id="keys">In a row: <kbd>↑</kbd> <kbd>↓</kbd> other rows, <kbd>A</kbd> alert, <kbd>Delete</kbd> remove.</p>
      <table role="table" aria-labelledby="watchlist-head" aria-describedby="keys">
        <thead>
          <tr role="row">
            {HEADS.map((head) => <th role="columnheader" scope="col" key={head}>{head}</th>)}
            <th role="columnheader" scope="col"><span class="unseen">Alert, remove</span></th>
          </tr>
        </thead>
        <tbody id="rows">{app.lines.value.map((line) => <LineRow key={line.symbol} app={app} line={line} />)}</tbody>
      </table>
    </section>
  );
}

/** The buttons of the same name in the rows around an element's. */
function neighbour(of: HTMLElement, step: 1 | -1): HTMLElement | null {
  const row = of.closest("tr");
  const other = step === 1 ? row?.nextElementSibling : row?.previousElementSibling;
  return other?.querySelector<HTMLElement>(`[data-do="${of.dataset["do"]}"]`) ?? null;
}

/** Take the line away, and keep the focus near. */
function remove(app: App, line: Line, button: HTMLElement): void {
  const next = neighbour(button, 1) ?? neighbour(button, -1) ?? document.getElementById("symbol");
  next?.focus();
  app.remove(line.symbol);
}

/** Go to the form for an alert of this symbol. */
export function alertFor(app: App, symbol: string): void {
  app.select(symbol);
  const level = document.getElementById("level") as HTMLInputElement | null;
  level?.focus();
  level?.select();
}

function pressed(event: KeyboardEvent, app: App, line: Line): void {
  const button = (event.target as HTMLElement).closest<HTMLElement>("[data-do]");
  if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "ArrowDown") neighbour(button, 1)?.focus();
  else if (event.key === "ArrowUp") neighbour(button, -1)?.focus();
  else if (event.key.toLowerCase() === "a") alertFor(app, line.symbol);
  else if (event.key === "Delete") remove(app, line, button);
  else return;
  event.preventDefault();
}

function LineRow({ app, line }: { app: App; line: Line }): VNode {
  const { symbol } = line;
  const isSelected = app.selected.value === symbol;
  return (
    <tr role="row" class={isSelected ? "selected" : ""} onKeyDown={(event) => pressed(event, app, line)}>
      <th role="rowheader" scope="row">
        <button class="name" data-do="select" aria-pressed={isSelected} onClick={() => app.select(symbol)}>
          <span data-cell="symbol">{symbol}</span>
        </button>
        <span data-cell="note">{line.note}</span>
      </th>
      <td role="cell" data-cell="spark">
        <svg aria-hidden="true" width={SPARK_WIDTH} height={SPARK_HEIGHT} viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`} preserveAspectRatio="none" data-direction={line.direction}><path d={line.spark} /></svg>
      </td>
      <td role="cell" data-cell="last"><span data-flash={line.flash}>{line.last}</span></td>
      <td role="cell" data-cell="move" data-direction={line.direction}>
        <span aria-hidden="true" data-cell="arrow">{line.arrow}</span> <span data-cell="percent">{line.percent}</span>{" "}
        <span data-cell="change">{line.change}</span>
      </td>
      <td role="cell" data-cell="bid">{line.bid}</td>
      <td role="cell" data-cell="ask">{line.ask}</td>
      <td role="cell" data-cell="ticks">{line.ticks}</td>
      <td role="cell" data-cell="age">{line.age}</td>
      <td role="cell" data-cell="do">
        <button class="quiet" data-do="alert" aria-label={`Alert for ${symbol}`} onClick={() => alertFor(app, symbol)}>
          <svg aria-hidden="true" width="16" height="16" viewBox="0 0 16 16"><path d="M3 12h10l-1.5-2V7a3.5 3.5 0 0 0-7 0v3zM6.5 13.5a1.5 1.5 0 0 0 3 0" /></svg>
        </button>
        <button class="quiet" data-do="remove" aria-label={`Remove ${symbol}`} onClick={({ currentTarget }) => remove(app, line, currentTarget)}>×</button>
      </td>
    </tr>
  );
}
