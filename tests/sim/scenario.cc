#include "scenario.hh"

#include "core/lease.hh"

#include <algorithm>

namespace redlock::sim {

namespace {

std::size_t majority(std::size_t nodes) { return nodes / 2 + 1; }

// The order of fences rests on clocks that agree like this, when every node was wiped.
constexpr Duration agreement = seconds{3};

} // namespace

Scenario::Scenario(const Options &options) {
    if (!options.story.empty()) {
        tell(options.story);
        return;
    }
    Random random(options.seed * 0x2545f4914f6cdd1d + 1);
    outside = options.outside;
    nodes = options.nodes != 0 ? options.nodes : random.pick<std::size_t>({3, 3, 3, 4, 5, 5});
    quorum = majority(nodes);
    if (random.chance(0.25)) quorum += random.below(nodes - quorum + 1);

    // Slack and margins hide bugs, so they are as small as they can be most of the time.
    ttl = random.pick<Duration>({milliseconds{200}, milliseconds{400}, seconds{1}});
    slack = random.pick<Duration>({Duration{}, Duration{}, ttl / 20, ttl / 6});
    drift = random.pick({0.0, 0.0, 0.01});
    margin = random.pick<Duration>({2 * tick, 2 * tick, ttl / 12});
    grace = random.pick<Duration>({Duration{}, ttl / 20, ttl / 6});
    node_timeout = random.pick<Duration>({ttl / 100, ttl / 20, ttl / 10});
    lateness = random.pick<Duration>({Duration{}, margin / 4});
    delay = random.between(Duration{std::chrono::microseconds{50}}, node_timeout / 8);
    spread = random.pick<Duration>({delay / 10, delay, node_timeout / 4});
    if (random.chance(0.3)) stragglers = 0.03;
    if (random.chance(0.2)) strays = 0.5;
    if (random.chance(0.1)) repeats = 0.2;

    if (random.chance(0.5)) guard = ttl;
    clocks_agree = outside && random.chance(0.1);
    draw_nodes(random);
    const std::size_t count = options.clients != 0 ? options.clients : random.pick<std::size_t>({2, 2, 3, 4});
    for (std::size_t i = 0; i < count; ++i) clients.push_back(draw_client(random));
    const auto skew = static_cast<std::int64_t>(drift * 1e6 / 2);
    for (ClientPlan &client : clients) client.ppm = random.pick({-skew, -skew, skew});
    if (!outside && options.clients == 0 && random.chance(0.03)) {
        contradicted = true;
        clients.back().nodes = random.below(nodes - 1) + 1;
    }

    faults_end = 3 * ttl;
    if (options.clients == 0 && random.chance(0.05)) {
        draw_contest(random);
        return;
    }
    if (random.chance(0.1)) draw_crowd(random);
    Random rare(options.seed * 0x9e3779b97f4a7c15 + 2);
    if (options.clients == 0 && options.nodes == 0 && rare.chance(0.01)) {
        draw_late_extend(rare);
        return;
    }
    if (options.clients == 0 && options.nodes == 0 && rare.chance(0.03)) {
        switch (rare.below(3)) {
        case 0: draw_forgotten_votes(rare); break;
        case 1: draw_open_attempt(rare); break;
        default: draw_copied_key(rare); break;
        }
        return;
    }
    if (options.clients == 0 && options.nodes == 0 && rare.chance(0.02)) {
        if (rare.chance(0.5)) draw_silent_contest(rare);
        else draw_empty_restart(rare);
        return;
    }
    Random seldom(options.seed * 0xd1342543de82ef95 + 3);
    if (options.clients == 0 && options.nodes == 0 && seldom.chance(0.03)) {
        if (seldom.chance(0.3)) draw_delayed_setup(seldom);
        else draw_setup(seldom);
        return;
    }
    const auto fault_count = random.between(0, 6);
    for (std::int64_t i = 0; i < fault_count; ++i) faults.push_back(draw_fault(random));
    if (!clocks_agree) return;
    Fault &fault = faults.emplace_back(draw_fault(random));
    fault.kind = Fault::Kind::wipe_all;
}

void Scenario::draw_nodes(Random &random) {
    const auto skew = static_cast<std::int64_t>(drift * 1e6 / 2);
    const std::int64_t wild = outside && random.chance(0.2) ? 10 * skew : skew;
    const Duration apart = clocks_agree ? agreement : random.pick<Duration>({5 * tick, seconds{2}, seconds{60}});
    const bool fresh = random.chance(0.2);
    // Ahead of every proposal, and near each other: fences that only count up meet.
    const bool counting = !clocks_agree && random.chance(0.3);
    for (std::size_t i = 0; i < nodes; ++i) {
        node_ppm.push_back(random.pick({wild, wild, -skew, std::int64_t{0}}));
        node_offset.push_back(start_of_utc + random.between(-apart, apart));
        // A marker of long ago, of just now, or none.
        auto &floor = floors.emplace_back(-Duration{std::chrono::hours{1}});
        if (!clocks_agree && (fresh || random.chance(0.2)))
            floor = random.pick<std::optional<Duration>>({std::nullopt, seconds{9}});
        auto &fence = fences.emplace_back();
        if (counting)
            fence = start_of_utc + seconds{30} + random.between(Duration{}, Duration{5000}) - node_offset.back();
        else if (!clocks_agree && random.chance(0.3)) fence = random.between(-Duration{seconds{20}}, seconds{20});
    }
}

// Short leases one after the other, over ways of which many are slow: what is under way belongs to yesterday.
void Scenario::draw_crowd(Random &random) {
    stragglers = 0.3;
    delay = spread = Duration{std::chrono::microseconds{50}};
    for (ClientPlan &client : clients) {
        client.by_hand = random.chance(0.8);
        client.start = random.between(Duration{}, ttl / 20);
        client.cycles = 4;
        client.wait.reset();
        client.habits.work = random.between(Duration{}, ttl / 50);
        if (!client.by_hand) continue;
        client.habits.kill_takes = {};
        client.extend_at = client.extend_again_at = -1;
        client.release_at = static_cast<double>(random.between(0, 50)) / 1000;
        client.extend_ttl = ttl;
    }
}

ClientPlan Scenario::draw_client(Random &random) const {
    ClientPlan plan;
    plan.by_hand = random.chance(0.25);
    plan.start = random.chance(0.5) ? random.between(Duration{}, 4 * tick) : random.between(Duration{}, ttl);
    plan.wait = random.pick<std::optional<Duration>>({std::nullopt, std::nullopt, std::nullopt, Duration{}, ttl});
    plan.cycles = random.chance(0.3) ? 2 : 1;
    plan.habits.work = random.chance(0.5) ? random.between(Duration{}, ttl / 4) : random.between(Duration{}, 2 * ttl);
    plan.habits.ignores_term = random.chance(0.6);
    plan.habits.after_term = random.between(Duration{}, 2 * grace);
    plan.habits.kill_takes = margin / 2 - Duration{1000};
    const Duration off = clocks_agree ? agreement : random.pick<Duration>({tick, seconds{2}, seconds{20}});
    plan.wall_offset = random.between(-off, off);
    plan.wall_grain = random.pick<Duration>({Duration{1000}, Duration{1000}, 100 * tick});
    if (plan.by_hand) {
        plan.habits.kill_takes = {};
        const auto share = [&random] { return static_cast<double>(random.between(0, 1300)) / 1000; };
        if (random.chance(0.6)) plan.extend_at = share();
        if (random.chance(0.3)) plan.extend_again_at = share();
        if (random.chance(0.8)) plan.release_at = share();
        plan.extend_ttl = random.chance(0.3) ? ttl / 2 : ttl;
    }
    return plan;
}

Fault Scenario::draw_fault(Random &random) const {
    using Which = Fault::Kind;
    Fault fault;
    fault.kind = random.pick({Which::cut_link,     Which::cut_link,     Which::block_link,   Which::block_link,
                              Which::block_node,   Which::block_client, Which::pause_node,   Which::pause_node,
                              Which::crash_node,   Which::step_clock,   Which::step_clock,   Which::fill_node,
                              Which::flush_node,   Which::lose_key,     Which::lose_key,     Which::deny_node,
                              Which::swap_data,    Which::pause_client, Which::pause_client, Which::suspend_client,
                              Which::crash_client, Which::signal_client});
    fault.moment = random.pick({Fault::Moment::time, Fault::Moment::send, Fault::Moment::send, Fault::Moment::validity,
                                Fault::Moment::key_end});
    fault.client = random.below(clients.size());
    fault.node = random.below(nodes);
    fault.verb = random.pick({core::Verb::acquire, core::Verb::acquire, core::Verb::confirm, core::Verb::confirm,
                              core::Verb::extend, core::Verb::extend, core::Verb::release, core::Verb::abandon});
    fault.nth = static_cast<int>(random.between(0, 3));
    switch (fault.moment) {
    case Fault::Moment::time: fault.offset = random.between(Duration{}, faults_end); break;
    case Fault::Moment::send:
        fault.offset = random.between(Duration{}, random.pick({delay, 3 * (delay + spread)}));
        break;
    case Fault::Moment::validity:
    case Fault::Moment::key_end: {
        const Duration around = random.pick<Duration>({2 * tick, 2 * margin, margin + grace + ttl / 20, ttl});
        fault.offset = random.between(-around, around / 2);
        break;
    }
    }
    fault.length = random.between(Duration{}, random.pick<Duration>({2 * node_timeout, ttl / 2, 5 * ttl / 4}));
    fault.there = random.chance(0.75);
    fault.back = !fault.there || random.chance(0.6);
    fault.quiet = random.chance(0.4);
    fault.for_ever = random.chance(0.1);
    fault.kept = random.pick({Kept::all, Kept::all, Kept::all_but_the_last_write, Kept::nothing});
    fault.step = random.chance(0.7) ? random.pick<Duration>({slack, slack / 2}) : -random.between(Duration{}, ttl);
    if (outside && random.chance(0.3)) fault.step = random.between(Duration{}, 2 * ttl);
    return fault;
}

Duration Scenario::bound() const {
    Duration work{};
    for (const ClientPlan &client : clients)
        work += client.cycles * (client.habits.work + 3 * ttl + Duration{seconds{1}});
    // An init waits up to 10 s for a node that does not answer.
    const Duration outages = set_up ? clients.back().cycles * Duration{seconds{12}} : Duration{};
    return 6 * ttl + guard + work + outages + Duration{seconds{3}};
}

// Chance settles it, so there is no certain bound: of a million contests one took 26 (eight clients, and every node of
// three needed), the half of them less than 3.
Duration Scenario::patience() const {
    const Duration usual = std::max(4 * node_timeout, ttl / 6);
    const Duration latest = std::max(node_timeout, (core::trusted_time(ttl, {drift, slack}) - (ttl - slack) / 3) / 2);
    return std::min({Duration{seconds{5}}, usual, latest});
}

Duration Scenario::contest_bound() const {
    constexpr int round_trips = 30;
    const Duration round_trip = 2 * (delay + spread) + lateness;
    // Clients that do not wait for the lock first wait for every vote.
    return (faults.empty() ? Duration{} : node_timeout) + round_trips * std::max(round_trip, tick);
}

std::string Scenario::describe() const {
    return text(nodes, " nodes, quorum ", quorum, ", ttl ", show(ttl), ", slack ", show(slack), ", guard ", show(guard),
                ", drift ", drift, ", grace ", show(grace), ", margin ", show(margin), ", node timeout ",
                show(node_timeout), ", delay ", show(delay), " + ", show(spread));
}

std::string Fault::describe() const {
    static constexpr const char *kinds[] = {
        "cut link",   "block link",   "block node",     "block client", "pause node",   "crash node",
        "step clock", "fill node",    "flush node",     "swap data",    "lose key",     "wipe all",
        "deny node",  "pause client", "suspend client", "crash client", "signal client"};
    static constexpr const char *moments[] = {"start", "send", "V", "end of key"};
    static constexpr const char *data[] = {"all data", "all but the last write", "no data"};
    return text(kinds[static_cast<int>(kind)], " (client ", client, ", node ", node, ") at ", show(offset), " from ",
                moments[static_cast<int>(moment)], " ", nth, " for ", show(length), quiet ? ", quiet" : "",
                for_ever ? ", for ever" : "", there ? ", there" : "", back ? ", back" : "", ", ",
                data[static_cast<int>(kept)], ", step ", show(step));
}

} // namespace redlock::sim
