// The model behind the page: its figures as tiles.
import { h } from "./dom.js";

export function tiles(status, t, language) {
  const number = new Intl.NumberFormat(language);
  const share = new Intl.NumberFormat(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const rows = [
    [t("live"), status.version],
    [t("kind"), status.model],
    [t("trained"), status.trained_at && day.format(new Date(status.trained_at))],
    ...status.metrics.map((metric) => [t(metric.name), share.format(metric.value)]),
    [t("games"), status.n_games && number.format(status.n_games)],
    [t("players"), status.n_users && number.format(status.n_users)],
  ].filter(([, value]) => value);
  return h(
    "dl", { class: "gr-tiles" },
    ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
