/**
 * A list of rows of one height, of which only those in sight are in the document. It is a list box under a
 * search field: the field keeps the focus, and arrows move what is chosen.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const BEYOND = 6;

interface Props {
  readonly id: string;
  readonly label: string;
  readonly count: number;
  readonly chosen: number;
  readonly rowPixels: number;
  readonly row: (at: number) => JSX.Element;
  readonly onPick: (at: number) => void;
}

export function rowId(list: string, at: number): string {
  return `${list}-${at}`;
}

export function LongList({ id, label, count, chosen, rowPixels, row, onPick }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  useEffect(() => {
    const here = box.current;
    if (!here) return;
    const seen = new ResizeObserver(() => setHeight(here.clientHeight));
    seen.observe(here);
    return () => seen.disconnect();
  }, []);
  useEffect(() => {
    const here = box.current;
    if (!here || chosen < 0) return;
    const from = chosen * rowPixels;
    if (from < here.scrollTop) here.scrollTop = from;
    else if (from + rowPixels > here.scrollTop + here.clientHeight) here.scrollTop = from + rowPixels - here.clientHeight;
  }, [chosen, rowPixels]);
  const first = Math.max(0, Math.floor(top / rowPixels) - BEYOND);
  const last = Math.min(count, Math.ceil((top + height) / rowPixels) + BEYOND);
  const rows: JSX.Element[] = [];
  for (let at = first; at < last; at++) {
    rows.push(
      <div
        key={at}
        id={rowId(id, at)}
        role="option"
        class={at === chosen ? "option chosen" : "option"}
        aria-selected={at === chosen}
        aria-setsize={count}
        aria-posinset={at + 1}
        style={{ top: `${at * rowPixels}px`, height: `${rowPixels}px` }}
        onClick={() => onPick(at)}
      >
        {row(at)}
      </div>,
    );
  }
  return (
    <div ref={box} class="long-list" onScroll={(event) => setTop(event.currentTarget.scrollTop)} tabIndex={-1}>
      <div id={id} role="listbox" aria-label={label} style={{ height: `${count * rowPixels}px` }}>
        {rows}
      </div>
    </div>
  );
}
