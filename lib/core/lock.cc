#include "core/lock.hh"

#include "util/error.hh"

#include <algorithm>
#include <map>
#include <utility>

namespace redlock::core {

namespace {

// Pauses scale with the round trip, within these bounds (a waiting list at the nodes will replace them).
constexpr int pause_round_trips = 4;
constexpr Duration least_pause = milliseconds{4};
constexpr Duration most_pause_when_busy = milliseconds{200};
constexpr Duration most_pause_when_out_of_reach = seconds{1};
constexpr Duration least_renewal_pause = milliseconds{20};

} // namespace

Lock::Lock(Terms terms)
    : terms_(std::move(terms)), lease_(terms_.nodes, terms_.quorum), touched_(terms_.nodes), responsive_(terms_.nodes),
      latest_(terms_.nodes), backoff_(terms_.seed) {
    check(terms_.quorum >= majority(terms_.nodes) && terms_.quorum <= terms_.nodes, "any two quorums share a node");
    check(trusted_time(terms_.ttl, terms_.trust) > terms_.needed, "a fresh lease is long enough");
}

void Lock::acquire(Instant now, std::string token) {
    check(phase_ == Phase::idle, "one attempt at a time");
    if (terms_.wait && !give_up_at_) give_up_at_ = now + *terms_.wait;
    token_ = std::move(token);
    attempt_begins_ = next_serial_;
    lease_ = Lease(terms_.nodes, terms_.quorum);
    phase_ = Phase::acquiring;
    touched_.assign(terms_.nodes, true);
    start_round(now, Verb::acquire);
}

void Lock::start_round(Instant now, Verb verb) {
    round_ = Round(terms_.nodes, terms_.quorum, next_serial_, now);
    next_at_.reset();
    for (NodeIndex node = 0; node < terms_.nodes; ++node)
        requests_.push_back({next_serial_++, verb, node, terms_.key, token_, terms_.ttl, round_deadline()});
}

void Lock::on_reply(Instant now, const Reply &reply) {
    if (reply.node >= terms_.nodes) return;
    // Before the news: a lease whose validity has passed is lost, whatever this reply would have made of it.
    if (phase_ == Phase::held) step_held(now);
    responsive_[reply.node] = reply.answer != Answer::silent;
    if (reply.serial >= attempt_begins_) apply(reply);
    round_.take(reply);
    if (!out_of_reach()) unreachable_since_.reset();
    if (sweep_) sweep_->on_reply(now, reply);
    tick(now);
}

// What a reply about this attempt's token says about who holds our key.
void Lock::apply(const Reply &reply) {
    if (reply.verb == Verb::acquire && reply.answer != Answer::granted && !reply.sent) touched_[reply.node] = false;
    if (phase_ != Phase::acquiring && phase_ != Phase::held) return;
    if (reply.verb != Verb::acquire && reply.verb != Verb::extend) return;
    // Silence and errors prove nothing: the expiry stays as it was.
    if (reply.answer != Answer::granted && reply.answer != Answer::refused) return;
    // Requests to one node are executed in order: a grant that is repeated after a later refusal is history.
    if (reply.serial < latest_[reply.node]) return;
    latest_[reply.node] = reply.serial;
    if (reply.answer == Answer::refused) {
        lease_.drop(reply.node);
    } else if (reply.sent) {
        lease_.confirm(reply.node, *reply.sent + trusted_time(terms_.ttl, terms_.trust));
    }
}

void Lock::tick(Instant now) {
    switch (phase_) {
    case Phase::acquiring: return step_acquiring(now);
    case Phase::held: return step_held(now);
    case Phase::cleaning:
    case Phase::releasing: return step_sweeping(now);
    case Phase::pausing:
        if (round_.denied()) {
            clean_up(now, Ending::denied);
        } else if (give_up_at_ && now >= *give_up_at_) {
            clean_up(now, Ending::busy);
        } else if (now >= *next_at_) {
            phase_ = Phase::idle;
        }
        return;
    case Phase::idle:
    case Phase::lost:
    case Phase::ended: return;
    }
}

void Lock::close_when_late(Instant now) {
    if (now >= round_deadline())
        round_.close("no answer within " + std::to_string(to_ms_up(terms_.node_timeout)) + " ms");
}

void Lock::step_acquiring(Instant now) {
    close_when_late(now);
    switch (round_.outcome()) {
    case Outcome::won:
        round_trip_ = now - round_.started();
        if (lease_.validity() - now < terms_.needed) return attempt_failed(now);
        phase_ = Phase::held;
        backoff_.reset();
        next_at_ = round_.started() + renewal_period();
        return;
    case Outcome::lost: return attempt_failed(now);
    case Outcome::pending:
        // With no time to wait at all, one bounded round is still due.
        if (give_up_at_ && *terms_.wait > Duration{} && now >= *give_up_at_) attempt_failed(now);
        return;
    }
}

void Lock::attempt_failed(Instant now) {
    if (round_.heard() > 0) round_trip_ = std::min(now - round_.started(), terms_.node_timeout);
    if (round_.denied()) return clean_up(now, Ending::denied);
    // Votes still under way do not count, or a silent node would hide behind two fast ones for ever.
    if (out_of_reach() && !unreachable_since_) {
        unreachable_since_ = round_.started();
    } else if (out_of_reach() && now - *unreachable_since_ >= terms_.ttl) {
        return clean_up(now, Ending::unreachable);
    }
    if (give_up_at_ && now >= *give_up_at_) return clean_up(now, Ending::busy);
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const Serial serial = next_serial_++;
        if (touched_[node])
            requests_.push_back(
                {serial, Verb::abandon, node, terms_.key, token_, Duration{}, now + terms_.node_timeout});
    }
    touched_.assign(terms_.nodes, false);
    phase_ = Phase::pausing;
    next_at_ = now + next_pause();
}

// Ending::busy here means "no time left"; step_sweeping finds out what it was that took so long.
void Lock::clean_up(Instant now, Ending ending) { start_sweep(now, Phase::cleaning, Verb::abandon, ending); }

void Lock::release(Instant now) {
    check(phase_ == Phase::held || phase_ == Phase::lost, "only what was won is released");
    const bool lost = phase_ == Phase::lost || lease_.lost(now);
    // After a loss nobody is waiting for us to pass anything on.
    start_sweep(now, Phase::releasing, lost ? Verb::abandon : Verb::release, lost ? Ending::lost : Ending::released);
}

void Lock::give_up(Instant now) {
    check(phase_ != Phase::held && phase_ != Phase::lost, "what was won is released");
    if (phase_ == Phase::idle || phase_ == Phase::acquiring || phase_ == Phase::pausing) {
        clean_up(now, Ending::interrupted);
    } else if (phase_ == Phase::cleaning) {
        ending_ = Ending::interrupted;
        step_sweeping(now);
    }
}

void Lock::start_sweep(Instant now, Phase phase, Verb verb, Ending ending) {
    phase_ = phase;
    ending_ = ending;
    Sweep::Plan plan;
    plan.verb = verb;
    plan.key = terms_.key;
    plan.token = token_;
    plan.ask = verb == Verb::release ? std::vector<bool>(terms_.nodes, true) : touched_;
    plan.await = responsive_;
    plan.quorum = terms_.quorum;
    plan.node_timeout = terms_.node_timeout;
    plan.first = next_serial_;
    next_serial_ += terms_.nodes;
    sweep_.emplace(now, std::move(plan));
    for (Request &request : sweep_->take_requests()) requests_.push_back(std::move(request));
    step_sweeping(now);
}

void Lock::step_sweeping(Instant now) {
    sweep_->tick(now);
    if (ending_ == Ending::busy) {
        close_when_late(now);
        // "Busy" and "out of reach" are different news: the votes still under way may decide which it is.
        if (out_of_reach() && round_.pending() > 0) return;
    }
    if (!sweep_->done()) return;
    if (ending_ == Ending::busy && out_of_reach()) ending_ = round_.denied() ? Ending::denied : Ending::unreachable;
    phase_ = Phase::ended;
}

void Lock::step_held(Instant now) {
    if (lease_.lost(now)) {
        phase_ = Phase::lost;
        return;
    }
    if (!terms_.renew) return;
    if (!next_at_) {
        close_when_late(now);
        switch (round_.outcome()) {
        case Outcome::won:
            round_trip_ = now - round_.started();
            next_at_ = round_.started() + renewal_period();
            backoff_.reset();
            break;
        case Outcome::lost: next_at_ = now + renewal_pause(); break;
        case Outcome::pending: return;
        }
    }
    if (now >= *next_at_) start_round(now, Verb::extend);
}

Duration Lock::next_pause() {
    const Duration base = std::max(pause_round_trips * round_trip_, least_pause);
    const Duration pause = backoff_.next(base, out_of_reach() ? most_pause_when_out_of_reach : most_pause_when_busy);
    // By the times to live that the nodes named, a quorum may be free sooner, even if nobody releases.
    std::vector<Duration> free_in(round_.count(Answer::granted));
    for (const auto &answer : round_.answers()) {
        if (answer && answer->answer == Answer::refused && answer->holder_ttl)
            free_in.push_back(*answer->holder_ttl + milliseconds{1});
    }
    if (round_.outcome() == Outcome::won || free_in.size() < terms_.quorum) return pause;
    std::sort(free_in.begin(), free_in.end());
    return std::min(pause, free_in[terms_.quorum - 1]);
}

Duration Lock::renewal_pause() {
    return backoff_.next(std::max(pause_round_trips * round_trip_, least_renewal_pause), renewal_period() / 4);
}

std::string Lock::blocker() const {
    std::map<std::string, int> named;
    std::string most;
    for (const auto &answer : round_.answers()) {
        if (!answer || answer->answer != Answer::refused) continue;
        if (++named[answer->holder] > (most.empty() ? 0 : named[most])) most = answer->holder;
    }
    return most;
}

Instant Lock::validity() const { return phase_ == Phase::held ? lease_.validity() : distant_past; }

std::optional<Instant> Lock::deadline() const {
    switch (phase_) {
    case Phase::acquiring: return terms_.wait == Duration{} ? round_deadline() : earlier(round_deadline(), give_up_at_);
    case Phase::pausing: return earlier(next_at_, give_up_at_);
    case Phase::held:
        if (!terms_.renew) return lease_.validity();
        return std::min(lease_.validity(), next_at_.value_or(round_deadline()));
    case Phase::cleaning:
    case Phase::releasing: return sweep_->done() ? round_deadline() : sweep_->deadline();
    case Phase::idle:
    case Phase::lost:
    case Phase::ended: return std::nullopt;
    }
    return std::nullopt;
}

} // namespace redlock::core
