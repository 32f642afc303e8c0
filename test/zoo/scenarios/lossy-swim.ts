import { createSwim, type Swim, type SwimChanged, type SwimTransport } from "@quorate/membership";
import type { SimProcess, World } from "@quorate/simulator";

import type { Enclosure } from "../enclosure.ts";

const COUNT = 8;
const LOSS_RATE = 0.25;
const TIMING = { probeIntervalMs: 500, probeTimeoutMs: 200, suspicionMult: 4 };

/** Eight members by datagrams, of which a quarter is lost. None of them ever fails. */
export const lossySwim: Enclosure = {
  name: "lossy-swim",
  claim: "where packets are lost and nothing else happens, nobody is buried",
  durationMs: 90_000,
  atLeast: { joined: COUNT, suspected: 5 },
  world(sim) {
    sim.network.setConditions({ lossRate: LOSS_RATE });
    sim.on("swim.changed", (event, node) => {
      const { change, member } = event as SwimChanged;
      if (change === "suspected") sim.mark(change);
      if (change === "down") sim.fail("nobody is buried", `${node.name} buries ${member}`);
    });
    settle(sim, () => {});
  },
};

const HALVED_MS = 40_000;

/** The same members, halved for as long as it takes each half to bury the other. */
export const halvedSwim: Enclosure = {
  name: "halved-swim",
  claim: "two halves of a group find each other again without a new join",
  durationMs: 90_000,
  atLeast: { joined: COUNT },
  world(sim) {
    const members: Swim[] = [];
    const names = settle(sim, (member) => void members.push(member));
    sim.at(5_000, () => {
      const cut = sim.network.partition(names.slice(0, COUNT / 2), names.slice(COUNT / 2));
      sim.at(5_000 + HALVED_MS, () => cut.heal());
    });
    sim.eventually("all are one group", { withinMs: 1_000 }, () => {
      return members.every(({ size }) => size === COUNT) || "there are two groups";
    });
  },
};

/** Members that never fail; their names. */
function settle(sim: World, onStart: (member: Swim) => void): readonly string[] {
  const nodes = sim.process("member", {
    count: COUNT,
    faults: false,
    main: async (process) => {
      const id = process.name;
      const transport = datagrams(process);
      const member = createSwim({ id, transport, seeds: ["member-1"], timing: TIMING });
      await member.start();
      onStart(member);
      await member.joined();
      process.mark("joined");
    },
  });
  return nodes.map(({ name }) => name);
}

function datagrams(process: SimProcess): SwimTransport {
  let hang: () => void = () => {};
  return {
    runtime: process.runtime,
    meetingPoints: [],
    open(receive) {
      hang = process.onMessage((_from, data) => receive(data));
      return Promise.resolve(process.name);
    },
    send: (address, packet) => Promise.resolve(process.send(address, packet)),
    close: () => Promise.resolve(hang()),
  };
}
