// Faults: when their moment comes, and what they do. What the model does not allow is made harmless here.
#include "simulation.hh"

#include <algorithm>
#include <csignal>

namespace redlock::sim {

using Kind = Fault::Kind;

void Simulation::arm(std::size_t fault, Moment moment) {
    pending_[fault] = -1;
    if (moment.time_since_epoch() > scenario.faults_end) return;
    world.at(moment, [this, fault] { strike(fault); });
}

void Simulation::on_send(std::size_t client, const core::Request &request) {
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Fault &fault = scenario.faults[i];
        if (pending_[i] < 0 || fault.moment != Fault::Moment::send || fault.client != client ||
            fault.node != request.node || fault.verb != request.verb)
            continue;
        if (pending_[i]-- == 0) arm(i, world.now() + fault.offset);
    }
}

void Simulation::on_validity(std::size_t client, Moment validity) {
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Fault &fault = scenario.faults[i];
        if (pending_[i] < 0 || fault.moment != Fault::Moment::validity || fault.client != client) continue;
        if (pending_[i]-- == 0) arm(i, validity + fault.offset);
    }
}

void Simulation::on_key_set(const Node &node) {
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Fault &fault = scenario.faults[i];
        if (pending_[i] < 0 || fault.moment != Fault::Moment::key_end || fault.node != node.index()) continue;
        if (pending_[i]-- > 0) continue;
        if (const auto end = node.end_of(scenario_key)) arm(i, *end + fault.offset);
    }
}

// So many may stay away that a quorum is left.
bool Simulation::may_be_gone_for_ever(core::NodeIndex node) {
    const auto gone = std::count(for_ever_.begin(), for_ever_.end(), true);
    if (!for_ever_[node] && static_cast<std::size_t>(gone) >= scenario.nodes - scenario.quorum) return false;
    for_ever_[node] = true;
    return true;
}

void Simulation::block(const Fault &fault, std::size_t client, core::NodeIndex node, Moment until) {
    Path &way = path(client, node);
    if (fault.there) way.there_blocked_until = std::max(way.there_blocked_until, until);
    if (fault.back) way.back_blocked_until = std::max(way.back_blocked_until, until);
    // The kernel may see that nothing is acknowledged, and end the connection.
    if (world.random.chance(0.3)) {
        Client *const sufferer = clients_[client].get();
        world.after(world.random.between(Duration{}, fault.length), [sufferer, node] { sufferer->cut(node, false); });
    }
}

namespace {
bool about_data(Kind kind) {
    return kind == Kind::crash_node || kind == Kind::flush_node || kind == Kind::swap_data || kind == Kind::step_clock;
}
} // namespace

void Simulation::strike(std::size_t number) {
    const Fault &fault = scenario.faults[number];
    const Duration length = std::min(fault.length, scenario.faults_end - world.now().time_since_epoch());
    Moment until = world.now() + length;
    const bool about_client = fault.kind == Kind::cut_link || fault.kind == Kind::pause_client ||
                              fault.kind == Kind::suspend_client || fault.kind == Kind::crash_client ||
                              fault.kind == Kind::signal_client || fault.kind == Kind::block_client;
    const bool may_last =
        fault.kind == Kind::block_link || fault.kind == Kind::block_node || fault.kind == Kind::crash_node;
    if (may_last && fault.for_ever && may_be_gone_for_ever(fault.node)) until = never;
    world.note([&] {
        return text("FAULT ", number, ": ", fault.describe(), ", until ",
                    until == never ? std::string("the end") : show(until));
    });
    // A connection that has gone without a word is noticed at the next renewal only.
    const Moment over = until == never ? never : fault.quiet ? until + scenario.ttl / 3 : until;
    // Nor does a node that may have forgotten a vote have one at once.
    disturbed(over == never || !about_data(fault.kind) ? over : over + scenario.guard);
    Client &client = *clients_[fault.client];
    switch (fault.kind) {
    case Kind::cut_link: return client.cut(fault.node, fault.quiet);
    case Kind::block_link: return block(fault, fault.client, fault.node, until);
    case Kind::block_node:
        for (std::size_t i = 0; i < clients_.size(); ++i) block(fault, i, fault.node, until);
        return;
    case Kind::block_client:
        for (core::NodeIndex node = 0; node < nodes.size(); ++node) block(fault, fault.client, node, until);
        return;
    case Kind::pause_client: return client.pause(length, false);
    case Kind::suspend_client: return client.pause(length, true);
    case Kind::crash_client: return client.crash();
    case Kind::signal_client: return client.signal(SIGTERM);
    case Kind::pause_node:
    case Kind::crash_node:
    case Kind::step_clock:
    case Kind::fill_node:
    case Kind::flush_node:
    case Kind::swap_data:
    case Kind::lose_key:
    case Kind::wipe_all:
    case Kind::deny_node: break;
    }
    if (!about_client) strike_node(fault, until);
}

void Simulation::strike_node(const Fault &fault, Moment until) {
    Node *const node = nodes[fault.node].get();
    switch (fault.kind) {
    case Kind::pause_node: node->pause(); return world.at(until, [node] { node->resume(); });
    case Kind::fill_node: node->be_full(true); return world.at(until, [node] { node->be_full(false); });
    case Kind::deny_node: node->refuse_access(true); return world.at(until, [node] { node->refuse_access(false); });
    case Kind::crash_node: return crash(fault, until);
    case Kind::swap_data: {
        // When a key ends is kept by the clock of where it comes from.
        const Node &other = *nodes[fault.kept == Kept::all ? (fault.node + 1) % nodes.size() : fault.node];
        const Duration apart = std::chrono::microseconds{other.time() - node->time()};
        if (apart > clocks_apart || apart < -clocks_apart || !node->up() || !may_lose_data(fault.node, true)) return;
        node->take_data(other);
        checker.took_data(*node);
        return checker.lost_data(*node, true);
    }
    case Kind::flush_node:
    case Kind::lose_key: {
        if (!node->up() || !may_lose_data(fault.node, fault.kind == Kind::flush_node)) return;
        const bool all = fault.kind == Kind::flush_node;
        if (all) node->flush();
        else node->lose_key(scenario_key);
        return checker.lost_data(*node, all);
    }
    case Kind::wipe_all:
        checker.beyond_model("every node lost its data");
        for (const auto &each : nodes) each->flush();
        return checker.wiped();
    case Kind::step_clock: break;
    default: return;
    }
    stepped_ += fault.step < Duration{} ? -fault.step : fault.step;
    if (stepped_ > seconds{3}) checker.clocks_disagree();
    if (fault.step > Duration{}) {
        auto &last = last_step_[fault.node];
        const bool allowed =
            fault.step <= scenario.slack && (!last || world.now() - *last > scenario.ttl + scenario.ttl / 10);
        if (!allowed && !scenario.outside) return;
        if (!allowed) {
            checker.beyond_model("a clock steps further than the slack");
            disturbed(world.now() +
                      scenario.ttl); // its vote does not count until the renewal after the one that sees it
        }
        last = world.now();
    } else {
        stepped_back_ -= fault.step;
        checker.stepped_back(*node);
    }
    node->step(fault.step);
    if (fault.step < Duration{}) checker.clock_set_back();
    else checker.node_changed();
}

// Inside the model, so few that any two quorums still share a node that remembers; or as many as like, where the guard
// sees it.
bool Simulation::may_lose_data(core::NodeIndex node, bool seen) {
    if (seen && scenario.contradicted) return false;
    if (seen && scenario.guard > Duration{}) return true;
    const bool before = lost_data_[node];
    lost_data_[node] = true;
    const auto losers = static_cast<std::size_t>(std::count(lost_data_.begin(), lost_data_.end(), true));
    if (losers < 2 * scenario.quorum - scenario.nodes || scenario.suffers_all) return true;
    if (scenario.outside) checker.beyond_model("too many nodes lost their data");
    else lost_data_[node] = before;
    return scenario.outside;
}

void Simulation::crash(const Fault &fault, Moment until) {
    Node *const node = nodes[fault.node].get();
    if (!node->up()) return;
    Kept kept = fault.kept;
    if (kept != Kept::all && until != never && !may_lose_data(fault.node, true)) kept = Kept::all;
    node->crash(fault.quiet);
    if (!fault.quiet)
        for (const auto &client : clients_) client->node_reset(fault.node);
    if (until == never) return;
    world.at(until, [this, node, kept] {
        node->restart(kept, world.random.between(Duration{}, milliseconds{2}));
        if (kept != Kept::all) checker.lost_data(*node, true);
    });
}

} // namespace redlock::sim
