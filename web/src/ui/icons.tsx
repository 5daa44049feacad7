/** Signs, drawn on a grid of 20 with a line of 1.6. They say nothing by themselves: what they mean is in words. */
import type { ComponentChildren, JSX } from "preact";

function icon(children: ComponentChildren): () => JSX.Element {
  return () => (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const SearchIcon = icon(<><circle cx="8.75" cy="8.75" r="5" /><path d="m12.5 12.5 4 4" /></>);
export const PlusIcon = icon(<path d="M10 4.5v11M4.5 10h11" />);
export const HashIcon = icon(<path d="M8 3.5 6.5 16.5M13.5 3.5 12 16.5M4 7.5h13M3 12.5h13" />);
export const CompassIcon = icon(<><circle cx="10" cy="10" r="7" /><path d="m13 7-1.8 4.2L7 13l1.8-4.2Z" /></>);
export const PenIcon = icon(<path d="M4 16h12M4.5 12.8 12.6 4.7a1.4 1.4 0 0 1 2 0l.7.7a1.4 1.4 0 0 1 0 2l-8.1 8.1-3.2.6Z" />);
export const SendIcon = icon(<path d="M3.5 10 16.5 3.8 12.6 16.4 9.4 11Zm5.9 1 7.1-7.2" />);
export const GearIcon = icon(
  <><circle cx="10" cy="10" r="2.6" /><path d="M10 2.8v2.1M10 15.1v2.1M2.8 10h2.1M15.1 10h2.1M4.9 4.9l1.5 1.5M13.6 13.6l1.5 1.5M15.1 4.9l-1.5 1.5M6.4 13.6l-1.5 1.5" /></>,
);
export const LeaveIcon = icon(<path d="M11.5 4H5.2v12h6.3M9 10h8M14.2 7.2 17 10l-2.8 2.8" />);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const BackIcon = icon(<path d="M11.8 4.5 6.3 10l5.5 5.5" />);
export const MenuIcon = icon(<path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h9" />);
export const DownIcon = icon(<path d="M10 4v11.5M5.2 10.8 10 15.6l4.8-4.8" />);
export const BellOffIcon = icon(<path d="M4.5 14h11l-1.3-2.2V9a4.2 4.2 0 0 0-8.4 0v2.8ZM8.4 16.2a1.7 1.7 0 0 0 3.2 0M3.5 3.5l13 13" />);
export const CopyIcon = icon(<><rect x="7" y="7" width="9.5" height="9.5" rx="2" /><path d="M13 4.5V4a1 1 0 0 0-1-1H4.5a1 1 0 0 0-1 1v7.5a1 1 0 0 0 1 1H5" /></>);
export const CheckIcon = icon(<path d="m4.5 10.5 3.8 3.8 7.4-8.2" />);

export function Mark({ size = 28 }: { readonly size?: number }): JSX.Element {
  return <img class="mark" src="/assets/mark.svg" alt="" width={size} height={size} />;
}
