// Dark or light: as the system has it, or as the reader chose.
// Rule: the choice is kept in this browser; the styles do the rest by one attribute.

import { useState } from "preact/hooks";

type Theme = "system" | "light" | "dark";

const KEY = "theme";
const NAMES: Readonly<Record<Theme, string>> = { system: "As the system", light: "Light", dark: "Dark" };

function chosen(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Puts the kept choice in force; called before anything is drawn. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = chosen();
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosen);
  const choose = (next: string) => {
    localStorage.setItem(KEY, next);
    setTheme(chosen());
    applyTheme();
  };
  return (
    <label class="theme">
      Colours
      <select value={theme} onChange={(event) => choose(event.currentTarget.value)}>
        {Object.entries(NAMES).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
