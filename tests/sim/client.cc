#include "client.hh"

#include "redis/verbs.hh"
#include "simulation.hh"

#include <algorithm>
#include <csignal>

namespace redlock::sim {

namespace {
config::NodeUrl some_url() {
    config::NodeUrl url;
    url.path = "simulated";
    return url;
}
} // namespace

Wire::Way::Way(Simulation &simulation, std::size_t client, Node &node, Wire &wire)
    : link(simulation.world, simulation.path(client, node.index()), node, wire),
      connection(some_url(), simulation.scenario.patience(), replies,
                 [this](const redis::Address &, Duration) { return link.open(); }) {}

void Wire::Way::forget_unsent() {
    for (const core::Reply &reply : replies)
        if (!reply.sent) link.forget(reply.serial);
}

Wire::Wire(Simulation &simulation, std::size_t index, Client &client, int first_attempt)
    : simulation_(simulation), index_(index), client_(client), first_attempt_(first_attempt) {
    for (const auto &node : simulation.nodes) ways_.push_back(std::make_unique<Way>(simulation, index, *node, *this));
}

void Wire::send(core::Request request, Instant now) {
    Way &way = *ways_[request.node];
    way.forget_unsent();
    way.link.expect(request);
    way.connection.send(std::move(request), now);
}

void Wire::handle(Instant now) {
    for (const auto &way : ways_) {
        do way->connection.handle(way->link.events(), now);
        while (way->link.events() != 0);
    }
}

std::optional<Instant> Wire::deadline() const {
    std::optional<Instant> first;
    for (const auto &way : ways_) first = earlier(first, way->connection.deadline());
    return first;
}

std::vector<core::Reply> Wire::take_replies() {
    std::vector<core::Reply> all;
    for (const auto &way : ways_) {
        way->forget_unsent();
        for (core::Reply &reply : way->replies) {
            if (reply.text.starts_with("unexpected reply") || reply.text.starts_with("not a Redis reply"))
                throw Violation{text("client ", index_, " does not understand a node: ", reply.text)};
            all.push_back(std::move(reply));
        }
        way->replies.clear();
    }
    return all;
}

void Wire::finish(int last_attempt, std::string kept) {
    last_attempt_ = last_attempt;
    kept_ = std::move(kept);
    for (const auto &way : ways_) {
        way->link.finish();
        way->connection.finish();
    }
}

void Wire::die() {
    for (const auto &way : ways_) way->link.die();
}

void Wire::wake() { client_.wake(); }

void Wire::sending(const core::Request &request) {
    simulation_.world.note([&] {
        return text("client ", index_, " sends #", request.serial, " ", redis::row_of(request.verb).name, " ",
                    request.token, " to node ", request.node, ", fence ", request.fence);
    });
    simulation_.on_send(index_, request);
}

void Wire::executed(Node &node, const core::Request &request, const core::Reply &reply) {
    simulation_.checker.executed(node, request, reply);
    simulation_.checker.set_up(view_, node, request, reply);
    const bool prolonged =
        (request.verb == core::Verb::acquire && reply.answer == core::Answer::granted) ||
        (request.verb == core::Verb::extend && (reply.answer == core::Answer::granted || reply.quarantine));
    if (prolonged || is_set_anew(reply)) simulation_.on_key_set(node);
}

void Wire::drained(Node &node) { simulation_.checker.nothing_left(index_, first_attempt_, last_attempt_, kept_, node); }

Client::Client(Simulation &simulation, std::size_t index)
    : simulation_(simulation), world_(simulation.world), checker_(simulation.checker), scenario_(simulation.scenario),
      plan_(scenario_.clients[index]), index_(index), clock_(seconds{1000 + 100 * static_cast<int>(index)}, plan_.ppm),
      command_(world_, checker_, *this, index) {}

void Client::begin() {
    world_.after(plan_.start, [this] { wake(); });
}

void Client::wake() {
    if (over_ || world_.now() < paused_until_) return; // at the end of a pause there is a turn
    if (in_turn_) {
        again_ = true;
        return;
    }
    in_turn_ = true;
    do {
        again_ = false;
        turn();
    } while (again_ && !over_ && world_.now() >= paused_until_);
    in_turn_ = false;
    if (!over_) set_timer();
}

void Client::turn() {
    resume();
    // Replies first, then the time: what has arrived in time counts.
    if (core_ != nullptr) {
        wires_.back()->handle(now());
        pump();
        core_->tick(now());
        pump();
    }
    report();
    act();
    if (!over_) report();
}

void Client::open(core::Conversation &core) {
    core_ = &core;
    wires_.push_back(std::make_unique<Wire>(simulation_, index_, *this, attempts_ + 1));
}

core::Terms Client::common_terms() {
    core::Terms terms;
    terms.key = scenario_key;
    terms.nodes = scenario_.nodes;
    terms.quorum = scenario_.quorum;
    if (plan_.nodes != 0) {
        terms.nodes = plan_.nodes;
        terms.quorum = core::majority(plan_.nodes);
    }
    terms.ttl = scenario_.ttl;
    terms.guard = scenario_.guard;
    terms.trust = {scenario_.drift, scenario_.slack};
    terms.node_timeout = scenario_.node_timeout;
    terms.wait = plan_.wait;
    terms.seed = world_.random.next();
    return terms;
}

bool Client::win(core::Lock &lock, bool give_up) {
    using core::Phase;
    for (;;) {
        const Phase phase = lock.phase();
        if (phase == Phase::held || phase == Phase::lost) {
            if (plan_.nodes != 0) throw Violation{text("client ", index_, " has won with another list of nodes")};
            checker_.won(index_, lock.token(), lock.fence());
            simulation_.won(lock.fence_was_confirmed());
            return true;
        }
        if (phase == Phase::ended) {
            close();
            end();
            return false;
        }
        if (give_up) {
            lock.give_up(now());
        } else if (phase == Phase::idle) {
            std::string token = next_token();
            checker_.attempt(index_, token);
            lock.acquire(now(), std::move(token), proposal());
        }
        pump();
        if (lock.phase() == phase) return false;
    }
}

void Client::pump() {
    for (;;) {
        for (core::Request &request : core_->take_requests()) {
            checker_.asked(index_, request);
            wires_.back()->send(std::move(request), now());
        }
        const std::vector<core::Reply> replies = wires_.back()->take_replies();
        if (replies.empty()) return;
        for (const core::Reply &reply : replies) {
            checker_.heard(index_, reply, reply.sent ? moment_of(*reply.sent) : Moment{});
            core_->on_reply(now(), reply);
        }
    }
}

void Client::close(std::string kept) {
    core_ = nullptr;
    wires_.back()->finish(attempts_, std::move(kept));
}

void Client::end() {
    world_.note([&] { return text("client ", index_, " is done"); });
    over_ = true;
    checker_.unclaim(index_);
}

void Client::set_timer() {
    std::optional<Instant> due = own_deadline();
    if (core_ != nullptr) due = earlier(due, earlier(core_->deadline(), wires_.back()->deadline()));
    if (due == timer_for_) return;
    timer_for_ = due;
    const int timer = ++timer_;
    if (!due) return;
    // Never early; and a process that has nothing to wait for goes round once in a microsecond.
    Moment moment = moment_of(*due) + (world_.random.chance(0.5) ? scenario_.lateness : Duration{});
    moment = std::max(moment, world_.now() + Duration{1000});
    // poll() returns for many reasons; some of them just before a deadline.
    if (world_.random.chance(0.05)) world_.at(moment - Duration{2000}, [this] { wake(); });
    world_.at(moment, [this, timer] {
        if (timer != timer_) return;
        timer_for_.reset();
        wake();
    });
}

void Client::hold(Duration length) {
    paused_until_ = std::max(paused_until_, world_.now() + length);
    simulation_.disturbed(paused_until_);
    world_.at(paused_until_, [this] { wake(); });
}

void Client::pause(Duration length, bool with_command) {
    if (over_) return;
    Moment until = world_.now() + length;
    const auto latest = command_.alive() ? must_run_at() : std::nullopt;
    if (latest && until > moment_of(*latest)) {
        if (scenario_.outside) {
            checker_.beyond_model("redlock stands still beyond its lease");
            checker_.stands_still(index_);
        } else until = moment_of(*latest);
    }
    if (until <= world_.now()) return;
    world_.note([&] {
        return text("client ", index_, with_command ? " is suspended until " : " is paused until ", show(until));
    });
    if (with_command) command_.freeze(until);
    hold(until - world_.now());
}

void Client::crash() {
    if (over_) return;
    world_.note([&] { return text("client ", index_, " crashes"); });
    over_ = true;
    if (!wires_.empty() && core_ != nullptr) wires_.back()->die();
    command_.signal(SIGKILL); // parent-death signal
    checker_.unclaim(index_);
}

void Client::signal(int number) {
    if (over_) return;
    world_.note([&] { return text("client ", index_, " gets signal ", number); });
    signals_.push_back(number);
    wake();
}

void Client::cut(core::NodeIndex node, bool quiet) {
    if (!over_ && core_ != nullptr) wires_.back()->link(node).cut(quiet);
}

void Client::node_reset(core::NodeIndex node) {
    for (const auto &wire : wires_) wire->link(node).reset_by_node();
}

} // namespace redlock::sim
