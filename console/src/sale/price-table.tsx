// What something costs, line by line, as the service counted it.
// Rule: every amount is one of the quote's; nothing is added up here.

import type { PriceLine, Quote } from "../api/types";
import { counted } from "../format/numbers";
import { Money } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

interface PriceProps {
  readonly price: Quote;
  /** The head of the column of what is charged for each line. */
  readonly charged?: string | undefined;
  /** It is charged once, so that a price for a month says nothing. */
  readonly once?: boolean | undefined;
}

export function PriceTable({ price, charged = `For ${counted(price.months, "month")}`, once = false }: PriceProps) {
  const amount = (value: string) => <Money amount={value} currency={price.currency} />;
  const monthly: Column<PriceLine> = { head: "A month", numeric: true, cell: (line) => amount(line.monthly) };
  return (
    <Table
      caption="Price, line by line"
      rows={price.lines}
      rowKey={({ modelId }) => modelId}
      columns={[
        { head: "Model", cell: ({ modelId }) => modelId },
        { head: "Tier", cell: ({ channelTier }) => channelTier },
        ...(once ? [] : [monthly]),
        { head: charged, numeric: true, cell: (line) => amount(line.total) },
      ]}
      foot={["Total", "", ...(once ? [] : [amount(price.monthlyTotal)]), amount(price.total)]}
    />
  );
}
