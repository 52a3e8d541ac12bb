#include "core/lock.hh"

#include "core/contest.hh"
#include "util/error.hh"

#include <algorithm>

namespace redlock::core {

namespace {

// Pauses scale with the round trip, within these bounds (a waiting list at the nodes will replace them).
constexpr int pause_round_trips = 4;
constexpr Duration least_pause = milliseconds{4};
constexpr Duration most_pause_when_busy = milliseconds{200};
constexpr Duration most_pause_when_out_of_reach = seconds{1};
// A near network takes less, but a process woken earlier finds nothing new.
constexpr Duration least_round_trip = std::chrono::microseconds{500};
constexpr Duration least_renewal_pause = milliseconds{20};

} // namespace

Lock::Lock(Terms terms)
    : terms_(std::move(terms)), lease_(terms_.nodes, terms_.quorum), touched_(terms_.nodes), responsive_(terms_.nodes),
      latest_(terms_.nodes), clocks_(terms_.nodes, NodeClock(terms_.trust.drift)), gains_(terms_.nodes),
      servers_(terms_.nodes), contradicted_(terms_.nodes), backoff_(terms_.seed), round_trip_(least_round_trip) {
    check(terms_.quorum >= majority(terms_.nodes) && terms_.quorum <= terms_.nodes, "any two quorums share a node");
    check(trusted_time(terms_.ttl, terms_.trust) > terms_.needed, "a fresh lease is long enough");
}

void Lock::acquire(Instant now, std::string token, Fence proposal) {
    check(phase_ == Phase::idle, "one attempt at a time");
    token_ = std::move(token);
    proposal_ = proposal;
    fence_ = 0;
    on_record_.assign(terms_.nodes, 0);
    confirmation_ = Round();
    confirmed_ = false;
    asked_again_ = 0;
    decide_by_.reset();
    again_at_.reset();
    blocker_.clear();
    attempt_begins_ = next_serial_;
    lease_ = Lease(terms_.nodes, terms_.quorum);
    servers_.assign(terms_.nodes, "");
    phase_ = Phase::acquiring;
    // Without time to wait: until it is settled which of several clients gets a free lock.
    if (terms_.wait && !give_up_at_) give_up_at_ = now + (no_wait() ? 2 * round_time() : *terms_.wait);
    start_round(now, Verb::acquire);
}

Request &Lock::ask(NodeIndex node, Verb verb, Instant deadline) {
    if (verb == Verb::acquire) touched_[node] = next_serial_;
    const Duration ttl = verb == Verb::abandon ? Duration{} : terms_.ttl;
    const Fence fence = verb == Verb::acquire ? proposal_ : verb == Verb::abandon ? 0 : fence_;
    Request &request = requests_.emplace_back(Request{next_serial_++, verb, node, terms_.key, token_, ttl, deadline});
    request.timeout = terms_.node_timeout;
    request.fence = fence;
    request.agreement = terms_.agreement();
    return request;
}

Request &Lock::abandon(NodeIndex node, const std::string &token, Instant now) {
    Request &request = ask(node, Verb::abandon, now + terms_.node_timeout);
    request.token = token;
    return request;
}

void Lock::start_round(Instant now, Verb verb) {
    former_.forget_before(now - 2 * terms_.ttl);
    before_ = verb == Verb::extend ? latest_answers() : Answers(terms_.nodes);
    round_ = Round(terms_.nodes, terms_.quorum, next_serial_, now);
    asked_at_ = now;
    next_at_.reset();
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        Request &request = ask(node, verb, round_deadline());
        if (verb != Verb::extend) continue;
        request.until = until_for(node);
        if (request.until > 0) touched_[node] = request.serial;
    }
}

// The end of validity in the node's own time, at the earliest: its clock was read before we heard of it, and may be
// slower than ours.
NodeTime Lock::until_for(NodeIndex node) const {
    const auto &reading = clocks_[node].latest();
    if (!reading) return 0;
    const double ahead = static_cast<double>((lease_.validity() - reading->at).count()) * (1 - terms_.trust.drift);
    return reading->time + static_cast<NodeTime>(ahead / 1000) - 1;
}

void Lock::on_reply(Instant now, const Reply &reply) {
    if (reply.node >= terms_.nodes) return;
    // Before the news: a lease whose validity has passed is lost, whatever this reply would have made of it.
    if (phase_ == Phase::held) step_held(now);
    if (phase_ == Phase::held) note_others(reply);
    responsive_[reply.node] = reply.answer != Answer::silent;
    former_.on_reply(reply);
    const Reply counted = reply.serial >= attempt_begins_ ? apply(now, reply) : reply;
    const bool open = round_.outcome() == Outcome::pending;
    if (!ask_behind_former(now, reply) && round_.take(counted) && open && reply.answer != Answer::silent)
        round_trip_ = std::max(
            least_round_trip, std::min(now - std::max(asked_at_, reply.sent.value_or(asked_at_)), terms_.node_timeout));
    // A node that will not have the fence on record has no vote any more; one that has less on record has not done it.
    const bool no = reply.answer == Answer::refused || reply.answer == Answer::error;
    const bool less = reply.answer == Answer::granted && reply.fence < fence_;
    if (phase_ == Phase::acquiring && !less && confirmation_.take(reply) && no) round_.overrule(reply);
    if (!out_of_reach()) unreachable_since_.reset();
    if (sweep_) sweep_->on_reply(now, reply);
    tick(now);
}

// A node that holds our key with the token of a former attempt: the key is removed. An attempt asks for its vote again,
// behind that.
bool Lock::ask_behind_former(Instant now, const Reply &reply) {
    FormerTokens::Entry *const former = reply.verb == Verb::abandon ? nullptr : former_.find(reply);
    if (former == nullptr || (phase_ != Phase::acquiring && phase_ != Phase::pausing && phase_ != Phase::held))
        return false;
    const Serial abandoned = std::exchange(former->abandon, abandon(reply.node, reply.holder, now).serial);
    const bool votes = phase_ == Phase::acquiring && reply.verb == Verb::acquire && reply.serial >= attempt_begins_;
    if (!votes || reply.serial != touched_[reply.node] || abandoned >= attempt_begins_) return false;
    round_.ask_again(reply.node, ask(reply.node, Verb::acquire, round_deadline()).serial);
    return true;
}

// What a reply about this attempt's token says about who holds our key.
Reply Lock::apply(Instant now, Reply reply) {
    if (reply.verb == Verb::acquire && reply.answer != Answer::granted && !reply.sent &&
        reply.serial == touched_[reply.node])
        touched_[reply.node] = 0;
    if (!reply.run_id.empty()) note_server(reply);
    if (phase_ != Phase::acquiring && phase_ != Phase::held) return reply;
    if (reply.verb != Verb::acquire && reply.verb != Verb::confirm && reply.verb != Verb::extend) return reply;
    // Silence and errors prove nothing: the expiry stays as it was. The time that a quarantined node tells is news.
    const bool in_quarantine = reply.verb == Verb::extend && reply.quarantine;
    if (reply.answer != Answer::granted && reply.answer != Answer::refused && !in_quarantine) return reply;
    // Requests to one node are executed in order: a grant that is repeated after a later refusal is history.
    if (reply.serial < latest_[reply.node]) return reply;
    latest_[reply.node] = reply.serial;
    if (reply.answer == Answer::granted) on_record_[reply.node] = std::max(on_record_[reply.node], reply.fence);
    const bool sound = in_time(reply, now) && !repeated(reply.node);
    if (in_quarantine && reply.sent && sound && !reply.others) {
        if (apply_in_quarantine(now, reply)) reply.answer = Answer::granted;
    } else if (reply.answer == Answer::error) {
        if (!sound) lease_.drop(reply.node);
    } else if (reply.answer == Answer::refused || !sound) {
        lease_.drop(reply.node); // also when it was set anew: who may have had it in between, nobody knows
    } else if (reply.sent && reply.verb != Verb::confirm) {
        lease_.confirm(reply.node, *reply.sent + trusted_time(terms_.ttl, terms_.trust));
    }
    return reply;
}

// A node in quarantine gives its vote to nobody until that is over. So as long as our part of the lease there has not
// ended, nobody else can have had the vote since the node granted it to us, although it lost the key meanwhile: a key
// that is there again counts as a grant. Once our part has ended, the node may have voted for others before its data
// went, and counts only when its quarantine is over.
bool Lock::apply_in_quarantine(Instant now, const Reply &reply) {
    if (reply.answer == Answer::refused)
        lease_.limit(reply.node, *reply.sent + trusted_time(*reply.quarantine, terms_.trust));
    const bool set = reply.answer == Answer::error || reply.refusal == Refusal::set_anew;
    if (!set || lease_.expiry(reply.node) <= now) return false;
    lease_.confirm(reply.node, *reply.sent + trusted_time(terms_.ttl, terms_.trust));
    return true;
}

// A key is worth what its node's clock is.
bool Lock::in_time(const Reply &reply, Instant now) {
    if (!reply.node_time || !reply.sent) return true;
    const Duration step = clocks_[reply.node].read(*reply.node_time, *reply.sent, now);
    const bool sound = step <= terms_.trust.slack + node_rounding;
    Gain &gain = gains_[reply.node];
    if (now - gain.since > terms_.ttl) gain = {now, {}};
    gain.sum += std::max(step, Duration{});
    if (gain.sum <= terms_.trust.slack / 2 + node_rounding) return sound;
    notices_.push_back({.node = reply.node, .step = gain.sum, .too_far = !sound});
    gain = {now, {}};
    return sound;
}

// A server that stands in the list twice holds one key. Heard of before the lock is won, that is a disagreement.
void Lock::note_server(const Reply &reply) {
    if (servers_[reply.node] == reply.run_id) return;
    servers_[reply.node] = reply.run_id;
    for (NodeIndex other = 0; other < terms_.nodes; ++other) {
        if (other == reply.node || servers_[other] != reply.run_id) continue;
        const auto [first, again] = std::minmax(other, reply.node);
        lease_.drop(again);
        if (phase_ == Phase::held) notices_.push_back({.node = again, .same_as = first});
    }
}

bool Lock::repeated(NodeIndex node) const {
    const auto here = servers_.begin() + static_cast<std::ptrdiff_t>(node);
    return !here->empty() && std::find(servers_.begin(), here, *here) != here;
}

// Who uses these nodes in another way has no business with us as long as the quorums meet, but for the votes that we do
// not get. Else both could hold the lock; and one server that stands in our list twice would vote twice.
bool Lock::disagreement(bool doubtful) const {
    std::size_t others = 0;
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const auto &answer = round_.answers()[node];
        if (repeated(node)) return true;
        if (!answer || !answer->others) continue;
        if (could_hold_beside_us(round_.answers(), *answer->others, terms_.agreement(), doubtful)) return true;
        ++others;
    }
    return others > terms_.nodes - terms_.quorum;
}

void Lock::note_others(const Reply &reply) {
    if (!reply.others || contradicted_[reply.node]) return;
    contradicted_[reply.node] = true;
    Answers answers = round_.answers();
    answers[reply.node] = reply; // it may belong to a round before
    notices_.push_back({.node = reply.node,
                        .others = reply.others,
                        .danger = could_hold_beside_us(answers, *reply.others, terms_.agreement(), false)});
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
        } else if (disagreement(false)) {
            clean_up(now, Ending::disagreed);
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
    if (now >= round_deadline()) round_.close("no answer within " + std::to_string(to_ms_up(round_time())) + " ms");
}

void Lock::attempt_failed(Instant now, bool split) {
    if (round_.denied()) return clean_up(now, Ending::denied);
    // Votes still under way do not count, or a silent node would hide behind two fast ones for ever.
    if (quarantine()) {
        unreachable_since_.reset();
    } else if (out_of_reach() && !unreachable_since_) {
        unreachable_since_ = round_.started();
    } else if (out_of_reach() && now - *unreachable_since_ >= terms_.ttl) {
        return clean_up(now, Ending::unreachable);
    }
    if ((give_up_at_ && now >= *give_up_at_) || (no_wait() && !split)) return clean_up(now, Ending::busy);
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        if (touched_[node] == 0) continue;
        const Serial acquire = latest_[node] >= touched_[node] ? 0 : touched_[node];
        former_.add({node, token_, acquire, abandon(node, token_, now).serial, now});
    }
    touched_.assign(terms_.nodes, 0);
    splits_ = split ? splits_ + 1 : 0;
    phase_ = Phase::pausing;
    next_at_ = now + next_pause(split);
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
    plan.fence = verb == Verb::release ? fence_ : 0;
    for (const Serial touched : touched_) plan.ask.push_back(verb == Verb::release || touched > 0);
    plan.await = responsive_;
    plan.quorum = terms_.quorum;
    plan.node_timeout = terms_.node_timeout;
    plan.connected = !first_attempt();
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
    if (ending_ == Ending::busy && (disagreement(false) || in_doubt())) ending_ = Ending::disagreed;
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
        if (round_.outcome() == Outcome::pending) return;
        if (renewed()) {
            next_at_ = asked_at_ + renewal_period();
            backoff_.reset();
        } else {
            next_at_ = now + renewal_pause();
        }
    }
    if (now >= *next_at_) start_round(now, Verb::extend);
}

Duration Lock::next_pause(bool split) {
    const Duration trip = std::max<Duration>(round_trip_, milliseconds{1});
    // A client that does not wait for the lock comes back to see whether anybody has it, and stays out of the way of
    // those who are ahead.
    if (no_wait()) return backoff_.next(16 * trip, *give_up_at_ - round_.started());
    // A client that has lost a split vote is back when it should be settled.
    if (split && splits_ <= most_contests) return backoff_.between(2 * trip, 3 * trip);
    const Duration base = std::max(pause_round_trips * round_trip_, least_pause);
    const Duration pause = backoff_.next(base, out_of_reach() ? most_pause_when_out_of_reach : most_pause_when_busy);
    // By the times to live that the nodes named, a quorum may be free sooner, even if nobody releases.
    std::vector<Duration> free_in(round_.count(Answer::granted));
    for (const auto &answer : round_.answers()) {
        if (answer && answer->answer == Answer::refused && answer->holder_ttl)
            free_in.push_back(*answer->holder_ttl + milliseconds{1});
        if (answer && answer->quarantine) free_in.push_back(*answer->quarantine + milliseconds{1});
    }
    if (round_.outcome() == Outcome::won || free_in.size() < terms_.quorum) return pause;
    std::sort(free_in.begin(), free_in.end());
    return std::min(pause, free_in[terms_.quorum - 1]);
}

Duration Lock::renewal_pause() {
    return backoff_.next(std::max(pause_round_trips * round_trip_, least_renewal_pause), renewal_period() / 4);
}

Instant Lock::validity() const { return phase_ == Phase::held ? lease_.validity() : distant_past; }

std::optional<Instant> Lock::deadline() const {
    switch (phase_) {
    case Phase::acquiring: return acquiring_deadline();
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
