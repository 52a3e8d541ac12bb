// Schedules with a name: Kleppmann's counter-examples to Redlock. Two clients see two different majorities, A B C
// and C D E, so that everything hangs on node C.
#include "scenario.hh"

#include <stdexcept>

namespace redlock::sim {

namespace {

constexpr core::NodeIndex node_c = 2;

Fault cut_off(std::size_t client, core::NodeIndex node, Duration length) {
    Fault fault;
    fault.kind = Fault::Kind::block_link;
    fault.client = client;
    fault.node = node;
    fault.length = length;
    return fault;
}

} // namespace

void Scenario::tell(const std::string &story) {
    nodes = 5;
    quorum = 3;
    ttl = seconds{1};
    slack = ttl / 6;
    drift = 0.01;
    margin = milliseconds{10};
    grace = milliseconds{20};
    node_timeout = milliseconds{20};
    delay = milliseconds{1};
    spread = milliseconds{1};
    node_ppm.assign(nodes, 0);
    node_offset.assign(nodes, start_of_utc);
    floors.resize(nodes);
    fences.resize(nodes);
    faults_end = 4 * ttl;

    // The first works as long as its lease lets it; the second wants the lock all the time.
    ClientPlan first, second;
    first.by_hand = true;
    first.wait = Duration{};
    first.habits.work = 2 * ttl;
    second.start = milliseconds{100};
    second.habits.work = ttl / 2;
    second.habits.kill_takes = margin / 2;

    Fault fault;
    fault.node = node_c;
    fault.moment = Fault::Moment::send;
    if (story == "clock-jumps") {
        // C's clock jumps, by as much as the slack allows, and the key on C is gone early.
        fault.kind = Fault::Kind::step_clock;
        fault.offset = ttl / 2;
        fault.step = slack;
    } else if (story == "restarts-empty") {
        // C crashes between the two acquisitions and has forgotten the first.
        fault.kind = Fault::Kind::crash_node;
        fault.offset = ttl / 4;
        fault.length = ttl / 8;
        fault.kept = Kept::nothing;
        guard = ttl; // without it, both hold the lock
    } else if (story == "wakes-late") {
        // The first is stopped while its majority answers, and wakes when its lease is over.
        first.by_hand = false;
        first.habits.kill_takes = margin / 2;
        fault.kind = Fault::Kind::pause_client;
        fault.offset = milliseconds{1};
        fault.length = 3 * ttl / 2;
    } else {
        throw std::invalid_argument("there is no story " + story);
    }
    clients = {first, second};
    faults = {cut_off(0, 3, faults_end), cut_off(0, 4, faults_end), cut_off(1, 0, faults_end),
              cut_off(1, 1, faults_end), fault};
}

} // namespace redlock::sim
