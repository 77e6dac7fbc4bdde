/**
 * A buyer's client that is not ours: Alby's SDK pays an invoice over Nostr Wallet Connect, and Alby's lightning-tools
 * read it.  Takes {connection, invoice} on stdin, so that the secret is on no command line; prints what they say.
 */

import { readFileSync } from "node:fs";

import { Invoice } from "@getalby/lightning-tools/bolt11";
import { NWCClient } from "@getalby/sdk/nwc";

const { connection, invoice } = JSON.parse(readFileSync(0, "utf8"));
const decoded = new Invoice({ pr: invoice });
const client = new NWCClient({ nostrWalletConnectUrl: connection });
try {
  const { methods } = await client.getInfo();
  const { preimage } = await client.payInvoice({ invoice });
  const said = {
    methods,
    preimage,
    encryption: client.encryptionType,
    millisatoshi: decoded.millisatoshi,
    paymentHash: decoded.paymentHash,
    timestamp: decoded.timestamp,
    expiry: decoded.expiry,
    description: decoded.description,
    hasExpired: decoded.hasExpired(),
    proves: decoded.validatePreimage(preimage),
    provesNothing: decoded.validatePreimage("00".repeat(32)),
  };
  process.stdout.write(JSON.stringify(said));
} finally {
  client.close();
}
