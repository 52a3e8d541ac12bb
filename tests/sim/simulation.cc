#include "simulation.hh"

#include "redis/agreement_text.hh"

#include <algorithm>
#include <csignal>

namespace redlock::sim {

namespace {
// A schedule that comes to no end is going round in a circle.
constexpr std::uint64_t most_events = 300'000;
} // namespace

Simulation::Simulation(const Options &options, ScriptEngine &engine)
    : scenario(options), world(options.seed, options.trace),
      checker(world, nodes,
              {scenario_key, scenario.quorum, scenario.clients.size(), scenario.margin, scenario.ttl, scenario.slack,
               scenario.drift, scenario.suffers_all, scenario.fences_outlive_data, scenario.first_survives}),
      pending_(scenario.faults.size()), for_ever_(scenario.nodes), lost_data_(scenario.nodes),
      last_step_(scenario.nodes) {
    for (core::NodeIndex node = 0; node < scenario.nodes; ++node) {
        const Duration begin = scenario.node_offset[node];
        nodes.push_back(std::make_unique<Node>(world, engine, node, Clock(begin, scenario.node_ppm[node])));
        const auto at = [&](const std::optional<Duration> &from_clock) {
            return from_clock ? std::optional((begin + *from_clock) / std::chrono::microseconds{1}) : std::nullopt;
        };
        nodes.back()->prepare(
            at(scenario.floors[node]), static_cast<core::Fence>(at(scenario.fences[node]).value_or(0)),
            scenario.contradicted ? redis::marker_text({"", scenario.nodes, scenario.quorum, scenario.guard}) : "");
    }
    for (std::size_t client = 0; client < scenario.clients.size(); ++client) {
        for (core::NodeIndex node = 0; node < scenario.nodes; ++node) {
            Path &path = paths_.emplace_back();
            path.delay = scenario.delay;
            path.spread = scenario.spread;
            path.strays = scenario.strays;
            path.stray_time = scenario.ttl;
            path.repeats = scenario.repeats;
            path.stragglers = scenario.stragglers;
            path.straggling = 3 * scenario.node_timeout;
            path.straggle_until = Moment{scenario.faults_end};
            if (scenario.stragglers > 0) calm_since_ = path.straggle_until;
        }
        const ClientPlan &plan = scenario.clients[client];
        clients_.push_back(plan.sets_up   ? make_init_client(*this, client)
                           : plan.by_hand ? make_hand_client(*this, client)
                                          : make_exec_client(*this, client));
    }
    world.note([&] { return text("seed ", options.seed, ": ", scenario.describe()); });
    for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
        const Fault &fault = scenario.faults[i];
        pending_[i] = fault.nth;
        if (fault.kind == Fault::Kind::crash_node || fault.kind == Fault::Kind::swap_data)
            nodes[fault.node]->remember();
        if (std::find(options.without.begin(), options.without.end(), i) != options.without.end()) {
            pending_[i] = -1;
            continue;
        }
        world.note([&] { return text("fault ", i, ": ", fault.describe()); });
        if (fault.moment == Fault::Moment::time) arm(i, Moment{fault.offset});
    }
}

Result Simulation::play() {
    try {
        run();
    } catch (const Violation &violation) {
        result_.violation = violation.what;
        world.note([&] { return "VIOLATION: " + violation.what; });
    }
    result_.degradations = checker.degradations();
    result_.events = world.events();
    return result_;
}

void Simulation::run() {
    const bool wild = std::any_of(scenario.node_ppm.begin(), scenario.node_ppm.end(),
                                  [&](auto ppm) { return static_cast<double>(ppm) > scenario.drift * 1e6 / 2; });
    if (wild) checker.beyond_model("a clock is too fast");
    if (wild) disturbed(never); // to the core it seems to be set forward again and again
    for (const auto &client : clients_) client->begin();
    if (scenario.contest) world.after(scenario.contest_bound(), [this] { checker.contest_is_over(); });
    const Moment latest = Moment{scenario.faults_end + scenario.bound()};
    const auto waits = [](const auto &client) { return !client->over(); };
    while (world.step()) {
        if (world.now() > latest && std::any_of(clients_.begin(), clients_.end(), waits)) {
            if (wild) return;
            throw Violation{"somebody still waits, long after the last fault"};
        }
        if (world.events() > most_events) throw Violation{"the schedule comes to no end"};
    }
    if (std::any_of(clients_.begin(), clients_.end(), waits)) throw Violation{"somebody waits for nothing"};
    // A TTL, as long as the slowest clock takes for it.
    checker.all_quiet(world.now() + scenario.ttl + scenario.ttl / 20 + milliseconds{2} + stepped_back_ + clocks_apart);
}

Result play(const Options &options, ScriptEngine &engine) { return Simulation(options, engine).play(); }

} // namespace redlock::sim
