// The first page: the customer's overview, or, to whoever is not signed in as one, the ways in.
// Rule: it needs no session.

import { Overview } from "./customer/overview";
import { useSession } from "./session/session";
import { SignIn } from "./session/sign-in";
import { ButtonLink } from "./ui/parts";
import { Page } from "./ui/page";

export default function Home() {
  const customer = useSession("customer");
  return customer === null ? <Welcome /> : <Overview key={customer.account} />;
}

function Welcome() {
  const operator = useSession("operator");
  return (
    <Page title="Modelpass">
      <p class="lead">Buy, watch and steer what your AI models may use.</p>
      <div class="cards">
        <section class="card">
          <h2>Customers</h2>
          <p>Your subscriptions, what is left of them, and what you bought.</p>
          <SignIn kind="customer" />
        </section>
        <section class="card">
          <h2>You have a key</h2>
          <p>See what is left of an API key. Nothing is stored, and no sign-in is needed.</p>
          <ButtonLink href="#/key">Look at a key</ButtonLink>
        </section>
        <section class="card">
          <h2>Operators</h2>
          <p>Find an account, help it, and keep the catalogue.</p>
          {operator === null ? (
            <SignIn kind="operator" to="#/operator" />
          ) : (
            <ButtonLink look="primary" href="#/operator">
              Go on as {operator.account}
            </ButtonLink>
          )}
        </section>
      </div>
    </Page>
  );
}
