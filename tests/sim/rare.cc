// Situations that faults drawn at random meet too seldom: each is aimed at one rule.
#include "scenario.hh"

#include "core/round.hh"

namespace redlock::sim {

// An extend finds no key, and gets there around the end of validity: where the clocks run at different rates, the node
// alone cannot know whether it is too late.
void Scenario::draw_late_extend(Random &random) {
    ttl = seconds{1};
    slack = {};
    drift = 0.01;
    node_timeout = ttl / 100;
    delay = spread = random.between(Duration{std::chrono::microseconds{50}}, node_timeout / 8);
    quorum = nodes; // else no node may lose its data
    const auto skew = static_cast<std::int64_t>(drift * 1e6 / 2);
    for (std::int64_t &ppm : node_ppm) ppm = random.pick({skew, -skew});
    clients[0].by_hand = false;
    clients[0].ppm = skew;
    clients[0].habits.work = 2 * ttl;
    Fault lost = draw_fault(random);
    lost.kind = Fault::Kind::lose_key;
    lost.moment = Fault::Moment::send;
    lost.client = 0;
    lost.verb = core::Verb::extend;
    lost.nth = 0;
    lost.offset = {};
    Fault late = lost;
    late.kind = Fault::Kind::block_client;
    late.there = true;
    late.back = late.for_ever = false;
    late.length = 2 * ttl / 3 - random.between(Duration{}, 40 * tick);
    faults = {lost, late};
}

void Scenario::set_nodes(std::size_t count) {
    nodes = count;
    quorum = core::majority(count);
    node_offset.resize(count);
    node_ppm.resize(count);
    floors.resize(count);
    fences.resize(count);
}

// The guard is on, and two jobs want the lock.
void Scenario::draw_guarded(Random &random) {
    guard = ttl = seconds{1};
    slack = grace = {};
    drift = 0;
    node_timeout = ttl / 10;
    delay = spread = random.between(Duration{std::chrono::microseconds{50}}, node_timeout / 50);
    stragglers = strays = repeats = 0;
    contradicted = false;
    fences_outlive_data = true;
    for (core::NodeIndex node = 0; node < nodes; ++node) {
        node_ppm[node] = 0;
        node_offset[node] = start_of_utc + random.between(-5 * tick, 5 * tick);
        floors[node] = -Duration{std::chrono::hours{1}};
        fences[node] = -Duration{seconds{20}};
    }
    clients.resize(2);
    for (ClientPlan &client : clients) {
        client.by_hand = false;
        client.ppm = 0;
        client.wait.reset();
        client.nodes = 0;
        client.cycles = 1;
        client.wall_offset = {};
        client.habits.work = 2 * ttl;
        client.habits.kill_takes = margin / 2 - Duration{1000};
    }
    clients[0].start = {};
}

Fault &Scenario::add_fault(Fault::Kind kind, std::size_t client, core::NodeIndex node) {
    Fault &fault = faults.emplace_back();
    fault.kind = kind;
    fault.client = client;
    fault.node = node;
    return fault;
}

// The first has votes of a bare quorum, and the nodes forget as many of them as the second needs: a crash that takes
// the last write along, or a copy of the data that comes back without it. Perhaps the first, whose clock is ahead, does
// not live to tell its fence to anybody else.
void Scenario::draw_forgotten_votes(Random &random) {
    draw_guarded(random);
    const Duration won = 2 * (delay + spread);
    clients[1].start = 2 * won + random.between(2 * tick, ttl / 4);
    const bool untold = random.chance(0.3);
    if (untold) {
        clients[0].wall_offset = seconds{3};
        add_fault(Fault::Kind::crash_client, 0, 0).offset = 2 * won;
    }
    for (core::NodeIndex node = 0; node < nodes; ++node) {
        if (node >= quorum) {
            add_fault(Fault::Kind::block_link, 0, node).length = 2 * ttl;
        } else if (node < 2 * quorum - nodes) {
            Fault &forgets = add_fault(Fault::Kind::crash_node, 0, node);
            if (random.chance(0.5)) forgets.kind = Fault::Kind::swap_data;
            forgets.moment = Fault::Moment::send;
            forgets.offset = won + random.between(Duration{}, 2 * tick);
            forgets.length = random.between(Duration{}, 2 * tick);
            forgets.kept = Kept::all_but_the_last_write;
        } else if (untold) {
            add_fault(Fault::Kind::block_link, 1, node).length = 3 * ttl;
        }
    }
}

// The first holds A, B and C, and hears no more of B and then of C. When it is over on B, the second has B's vote, and
// its request to C gets there when the key on C is over, too. In between B forgets the vote, and all that the first has
// sent there arrives: one of them sets the key anew, and the next finds it.
void Scenario::draw_open_attempt(Random &random) {
    constexpr core::NodeIndex b = 1, c = 2;
    set_nodes(3);
    draw_guarded(random);
    clients[1].start = node_timeout / 5;
    const Duration over_on_c = 4 * ttl / 3, opened = over_on_c - random.between(node_timeout / 2, node_timeout);
    const Duration forgotten = opened + random.between(Duration{}, node_timeout / 3);
    const auto block = [this](std::size_t client, core::NodeIndex node, Duration from, Duration to) {
        Fault &fault = add_fault(Fault::Kind::block_link, client, node);
        fault.offset = from;
        fault.length = to - from;
    };
    block(0, b, ttl / 10, forgotten + random.between(Duration{}, 2 * tick));
    block(0, c, ttl / 3 + ttl / 10, 3 * ttl);
    block(1, c, opened, over_on_c + random.between(Duration{}, 4 * tick));
    add_fault(Fault::Kind::flush_node, 0, b).offset = forgotten;
}

// The first has prolonged its key on one node alone when its lease ends and the second wins the others; then one of
// these gets a copy of that node's data, and the first prolongs again.
void Scenario::draw_copied_key(Random &random) {
    set_nodes(3);
    draw_guarded(random);
    clients[0].by_hand = true;
    clients[0].extend_at = 0.5;
    clients[0].extend_again_at = 1.2;
    clients[0].extend_ttl = ttl;
    clients[0].release_at = -1;
    clients[1].start = ttl / 10;
    for (const core::NodeIndex node : {1U, 2U}) {
        Fault &alone = add_fault(Fault::Kind::block_link, 0, node);
        alone.offset = ttl / 10;
        alone.length = ttl - random.between(Duration{}, ttl / 20);
    }
    Fault &copied = add_fault(Fault::Kind::swap_data, 0, 2); // its neighbour is the first node
    copied.kept = Kept::all;
    copied.offset = ttl + random.between(ttl / 20, ttl / 5);
}

// As many as can be, and nothing in their way but each other.
void Scenario::draw_contest(Random &random) {
    contest = true;
    stragglers = strays = repeats = 0;
    clients.resize(random.pick<std::size_t>({2, 3, 5, 8}), clients[0]);
    for (ClientPlan &client : clients) {
        client.by_hand = false;
        client.habits.kill_takes = margin / 2 - Duration{1000};
        client.start = random.between(Duration{}, 2 * (delay + spread));
        client.wait.reset();
    }
}

// A contest of clients that do not wait, or of some that do; a minority of the nodes may be silent. With an even number
// of nodes left each may have the half of the votes.
void Scenario::draw_silent_contest(Random &random) {
    delay = node_timeout / 100;
    spread = delay / 2;
    lateness = {};
    draw_contest(random);
    const bool mixed = random.chance(0.2);
    for (ClientPlan &client : clients)
        if (!mixed || random.chance(0.5)) client.wait = Duration{};
    faults.clear();
    const std::size_t silent = random.below(nodes - quorum + 1);
    for (core::NodeIndex node = 0; node < silent; ++node) {
        Fault &fault = add_fault(Fault::Kind::pause_node, 0, node);
        fault.length = faults_end;
    }
}

// All nodes restart empty, or lose their data, at nearly the same moment, under a job and a client that waits.
void Scenario::draw_empty_restart(Random &random) {
    draw_guarded(random);
    first_survives = true;
    clients[0].habits.work = random.between(ttl, 4 * ttl);
    clients[1].start = random.between(Duration{}, ttl);
    faults.clear();
    const Duration when = random.between(4 * (delay + spread) + 4 * tick, 2 * ttl);
    for (core::NodeIndex node = 0; node < nodes; ++node) {
        const bool stays_up = random.chance(0.2);
        Fault &lost = add_fault(stays_up ? Fault::Kind::flush_node : Fault::Kind::crash_node, 0, node);
        lost.offset = when + random.between(Duration{}, 2 * tick);
        lost.length = random.between(Duration{}, ttl / 8);
        lost.kept = Kept::nothing;
    }
}

ClientPlan &Scenario::add_init(Random &random) {
    set_up = true;
    contradicted = false;
    for (ClientPlan &client : clients) client.nodes = 0;
    ClientPlan &plan = clients.emplace_back();
    plan.sets_up = true;
    plan.waits_for_quarantine = random.chance(0.5);
    plan.ppm = clients[0].ppm;
    return plan;
}

// The nodes are new, or some of them restart empty under a job while another client waits: init looks at them then.
void Scenario::draw_setup(Random &random) {
    const bool wild = random.chance(0.3);
    if (wild) {
        guard = ttl;
        const auto count = random.between(0, 3);
        for (std::int64_t i = 0; i < count; ++i) faults.emplace_back(draw_fault(random)).for_ever = false;
    } else {
        draw_guarded(random);
        fences_outlive_data = false; // init does not wait until the clocks have passed what was forgotten
    }
    const bool fresh = random.chance(0.3);
    const Duration when = fresh ? Duration{} : random.between(4 * (delay + spread) + 4 * tick, 2 * ttl);
    const std::size_t losers = fresh || random.chance(0.15) ? nodes : 1 + random.below(nodes - 1);
    const std::size_t first = random.below(nodes);
    for (std::size_t i = 0; i < losers; ++i) {
        const bool stays_up = fresh || random.chance(0.6);
        Fault &lost = add_fault(stays_up ? Fault::Kind::flush_node : Fault::Kind::crash_node, 0, (first + i) % nodes);
        lost.offset = fresh ? when : when + random.between(Duration{}, 2 * tick);
        lost.length = random.between(Duration{}, ttl / 20);
        lost.kept = Kept::nothing;
    }
    clients[1].start = random.between(Duration{}, ttl);
    ClientPlan &init = add_init(random);
    init.start = when + random.between(Duration{}, random.pick<Duration>({2 * tick, ttl / 10, ttl / 2}));
    init.cycles = static_cast<int>(random.between(1, 3));
    init.habits.work = random.between(Duration{}, ttl / 3);
}

// The nodes are new, and what init asks of two of them comes late: their quarantine ends by itself, a job gets the
// lock, and both lose their data once more.
void Scenario::draw_delayed_setup(Random &random) {
    set_nodes(3);
    draw_guarded(random);
    fences_outlive_data = false;
    clients[1].start = random.between(Duration{}, ttl / 2);
    const std::size_t init = clients.size();
    add_init(random).start = tick;
    const Duration again = ttl + random.between(ttl / 10, ttl);
    for (core::NodeIndex node = 0; node < nodes; ++node) add_fault(Fault::Kind::flush_node, 0, node);
    for (core::NodeIndex node = 0; node < quorum; ++node) {
        Fault &late = add_fault(Fault::Kind::block_link, init, node);
        late.moment = Fault::Moment::send;
        late.verb = random.chance(0.9) ? core::Verb::trust : core::Verb::record;
        late.length = again - tick + random.between(Duration{}, 2 * tick);
        Fault &lost = add_fault(Fault::Kind::flush_node, 0, node);
        lost.offset = again;
    }
}

} // namespace redlock::sim
