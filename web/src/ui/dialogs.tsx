/** The page's dialogs: all rooms, a new room, a new message, and going somewhere by name. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";

import type { Outcome, Place, Room, Trouble } from "../app/port";
import { Avatar } from "./avatar";
import { usePort, useWords, wordsFor } from "./context";
import { Dialog } from "./dialog";
import { Finder } from "./finder";
import { HashIcon } from "./icons";

export type DialogName = "rooms" | "new-room" | "new-message" | "switcher";

export const dialog = signal<DialogName | null>(null);

export function OpenDialog(): JSX.Element | null {
  const close = (): void => {
    dialog.value = null;
  };
  switch (dialog.value) {
    case "rooms":
      return <RoomsDialog onClose={close} />;
    case "new-room":
      return <NewRoomDialog onClose={close} />;
    case "new-message":
      return <NewMessageDialog onClose={close} />;
    case "switcher":
      return <SwitcherDialog onClose={close} />;
    case null:
      return null;
  }
}

interface Props {
  readonly onClose: () => void;
}

function useGo(onClose: () => void): (place: Place) => void {
  const { acts } = usePort();
  return (place) => {
    onClose();
    acts.go({ at: "place", place });
  };
}

function RoomsDialog({ onClose }: Props): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const go = useGo(onClose);
  return (
    <Dialog title={words.rooms} kind="tall" onClose={onClose}>
      <Finder
        label={words.findRoom}
        role="searchbox"
        find={acts.findRooms}
        count={words.roomCount}
        empty={words.noRoomsYet}
        row={(room: Room) => (
          <>
            <HashIcon />
            <span class="option-name">
              <bdi>{room.name}</bdi>
            </span>
            <span class="option-more">{words.messageCount(room.head)}</span>
          </>
        )}
        onPick={(room) => go({ kind: "room", id: room.id })}
      />
      <footer>
        <button
          type="button"
          onClick={() => {
            dialog.value = "new-room";
          }}
        >
          {words.newRoom}
        </button>
      </footer>
    </Dialog>
  );
}

function NewRoomDialog({ onClose }: Props): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const go = useGo(onClose);
  const id = useId();
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [taken, setTaken] = useState<Room | null>(null);
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || !name.trim()) return;
    setBusy(true);
    const made = await acts.createRoom(name);
    if (made.ok) {
      go({ kind: "room", id: made.value.id });
      return;
    }
    const id = made.trouble.conflictsWith?.replace(/^.*\/room\//, "");
    const found = id === undefined ? null : await acts.findRooms(name);
    setTaken(found?.ok ? (found.value.find((room) => room.id === id) ?? null) : null);
    setTrouble(made.trouble);
    setBusy(false);
  };
  return (
    <Dialog title={words.newRoom} onClose={onClose}>
      <form class="form" onSubmit={(event) => void create(event)}>
        <label for={id}>{words.roomName}</label>
        <input
          id={id}
          dir="auto"
          autofocus
          value={name}
          maxLength={200}
          autocomplete="off"
          aria-describedby={`${id}-hint`}
          aria-invalid={trouble !== null}
          onInput={(event) => {
            setName(event.currentTarget.value);
            setTrouble(null);
            setTaken(null);
          }}
        />
        <p class="hint" id={`${id}-hint`}>
          {words.roomHint}
        </p>
        {trouble && (
          <p class="trouble" role="alert">
            {taken ? words.roomTaken(taken.name) : wordsFor(trouble, words)}
            {taken && (
              <button type="button" class="link" onClick={() => go({ kind: "room", id: taken.id })}>
                {words.openRoom(taken.name)}
              </button>
            )}
          </p>
        )}
        <button class="primary" aria-disabled={busy || !name.trim()}>
          {words.createRoom}
        </button>
      </form>
    </Dialog>
  );
}

function NewMessageDialog({ onClose }: Props): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const go = useGo(onClose);
  return (
    <Dialog title={words.newMessage} kind="tall" onClose={onClose}>
      <Finder
        label={words.findPerson}
        role="searchbox"
        find={acts.findPeople}
        row={(name: string) => (
          <>
            <Avatar name={name} small />
            <span class="option-name">{name}</span>
          </>
        )}
        onPick={(name) => go({ kind: "person", name })}
      />
    </Dialog>
  );
}

interface Target {
  readonly place: Place;
  readonly name: string;
  readonly unread: number;
}

function SwitcherDialog({ onClose }: Props): JSX.Element {
  const { acts, rooms, conversations } = usePort();
  const words = useWords();
  const go = useGo(onClose);
  const find = async (text: string): Promise<Outcome<readonly Target[]>> => {
    const wanted = text.trim().toLocaleLowerCase();
    const known: Target[] = [...conversations.value, ...rooms.value]
      .filter((row) => row.name.toLocaleLowerCase().includes(wanted))
      .sort((a, b) => Number(b.unread > 0) - Number(a.unread > 0));
    if (!wanted) return { ok: true, value: known };
    const [moreRooms, morePeople] = await Promise.all([acts.findRooms(text), acts.findPeople(text)]);
    const seen = new Set(known.map((target) => JSON.stringify(target.place)));
    const more: Target[] = [
      ...(moreRooms.ok ? moreRooms.value.map((room): Target => ({ place: { kind: "room", id: room.id }, name: room.name, unread: 0 })) : []),
      ...(morePeople.ok ? morePeople.value.map((name): Target => ({ place: { kind: "person", name }, name, unread: 0 })) : []),
    ].filter((target) => !seen.has(JSON.stringify(target.place)));
    const begins = (target: Target): number => Number(target.name.toLocaleLowerCase().startsWith(wanted));
    return { ok: true, value: [...known, ...more].sort((a, b) => begins(b) - begins(a)) };
  };
  return (
    <Dialog title={words.switcher} kind="switcher" onClose={onClose}>
      <Finder
        label={words.switcherField}
        role="combobox"
        find={find}
        empty={words.nowhereYet}
        row={(target: Target) => (
          <>
            {target.place.kind === "room" ? <HashIcon /> : <Avatar name={target.name} small />}
            <span class="option-name">
              <bdi>{target.name}</bdi>
            </span>
            <span class="option-more">
              {target.unread > 0 ? words.unread(target.unread) : target.place.kind === "room" ? words.room : words.person}
            </span>
          </>
        )}
        onPick={(target) => go(target.place)}
      />
      <p class="hint for-keyboards">{words.switcherHint}</p>
    </Dialog>
  );
}
