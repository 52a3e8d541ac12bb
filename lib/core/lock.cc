#include "core/lock.hh"

#include "core/agreement.hh"
#include "core/contest.hh"
#include "util/error.hh"

#include <algorithm>

namespace redlock::core {

Lock::Lock(Terms terms) : terms_(std::move(terms)), outbox_(terms_, requests_), possession_(terms_), pacing_(terms_) {
    check(terms_.quorum >= majority(terms_.nodes) && terms_.quorum <= terms_.nodes, "any two quorums share a node");
    check(terms_.trusted() > terms_.needed, "a fresh lease is long enough");
}

void Lock::acquire(Instant now, std::string token, Fence proposal) {
    check(phase_ == Phase::idle, "one attempt at a time");
    const bool first = !attempt_;
    phase_ = Phase::acquiring;
    next_at_.reset();
    renewal_.reset();
    possession_.begin();
    former_.forget_before(now - 2 * terms_.ttl);
    // Without time to wait (protocol 4.10): until it is settled which of several clients gets a free lock.
    if (terms_.wait && first) give_up_at_ = now + (terms_.no_wait() ? 4 * terms_.node_timeout : *terms_.wait);
    const bool holder_known = pacing_.splits() >= most_contests;
    attempt_.emplace(terms_, possession_, outbox_,
                     Attempt::Start{std::move(token), proposal, first, holder_known, give_up_at_}, now);
}

const std::string &Lock::token() const {
    static const std::string none;
    return attempt_ ? attempt_->token() : none;
}

const Round &Lock::last_round() const {
    static const Round none;
    return renewal_ ? renewal_->round : attempt_ ? attempt_->votes() : none;
}

Answers Lock::latest_answers() const {
    Answers latest = last_round().answers();
    if (!renewal_) return latest;
    for (NodeIndex node = 0; node < latest.size(); ++node)
        if (!latest[node]) latest[node] = renewal_->before[node];
    return latest;
}

bool Lock::renewed() const {
    return attempt_ && last_round().outcome() == Outcome::won &&
           possession_.lease().validity() >= asked_at() + terms_.trusted();
}

std::optional<Duration> Lock::quarantine() const {
    if (!out_of_reach()) return std::nullopt;
    std::vector<Duration> left(last_round().heard());
    for (const auto &answer : last_round().answers())
        if (answer && answer->answer == Answer::error && answer->quarantine) left.push_back(*answer->quarantine);
    if (left.size() < terms_.quorum) return std::nullopt;
    std::sort(left.begin(), left.end());
    return left[terms_.quorum - 1];
}

Instant Lock::validity() const { return phase_ == Phase::held ? possession_.lease().validity() : distant_past; }

// The reply belongs to the latest attempt, or to the lease that it won.
bool Lock::counts(const Reply &reply) const { return attempt_ && reply.serial >= attempt_->begins(); }

void Lock::on_reply(Instant now, const Reply &reply) {
    if (reply.node >= terms_.nodes) return;
    // Before the news (protocol 5.4): a lease whose validity has passed is lost, whatever this reply would have made of
    // it.
    if (phase_ == Phase::held) step_held(now);
    if (phase_ == Phase::held) note_others(reply);
    possession_.node(reply.node).responsive = reply.answer != Answer::silent;
    former_.on_reply(reply);
    if (counts(reply)) possession_.note_server(reply, phase_ == Phase::held);
    const bool in_force = phase_ == Phase::acquiring || phase_ == Phase::held;
    if (counts(reply) && in_force && possession_.apply(now, reply)) {
        Reply granted = reply;
        granted.answer = Answer::granted;
        take(now, granted);
    } else {
        take(now, reply);
    }
    if (phase_ == Phase::acquiring) attempt_->take_confirmation(reply);
    if (!out_of_reach()) unreachable_since_.reset();
    if (sweep_) sweep_->on_reply(now, reply);
    tick(now);
}

void Lock::take(Instant now, const Reply &reply) {
    if (!attempt_ || ask_behind_former(now, reply)) return;
    const bool open = last_round().outcome() == Outcome::pending;
    const bool news = renewal_ ? renewal_->round.take(reply) : attempt_->take_vote(reply);
    if (news && open && reply.answer != Answer::silent)
        pacing_.measured(now - std::max(asked_at(), reply.sent.value_or(asked_at())));
}

// Protocol 4.9. A node that holds our key with the token of a former attempt: the key is removed. If the node's vote
// for the present attempt is missing, it is asked again, behind that.
bool Lock::ask_behind_former(Instant now, const Reply &reply) {
    FormerTokens::Entry *const former = reply.verb == Verb::abandon ? nullptr : former_.find(reply);
    if (former == nullptr || (phase_ != Phase::acquiring && phase_ != Phase::pausing && phase_ != Phase::held))
        return false;
    const Serial abandoned = std::exchange(former->abandon, outbox_.abandon(reply.node, reply.holder, now).serial);
    const bool votes = phase_ == Phase::acquiring && reply.verb == Verb::acquire && counts(reply);
    if (!votes || reply.serial != possession_.node(reply.node).touched || abandoned >= attempt_->begins()) return false;
    attempt_->ask_again(reply.node);
    return true;
}

// Protocol 10.8.
void Lock::note_others(const Reply &reply) {
    NodeRecord &record = possession_.node(reply.node);
    if (!reply.others || record.contradicted) return;
    record.contradicted = true;
    Answers answers = last_round().answers();
    answers[reply.node] = reply; // it may belong to a round before
    possession_.notify({.node = reply.node,
                        .others = reply.others,
                        .danger = could_hold_beside_us(answers, *reply.others, terms_.agreement(), false)});
}

void Lock::tick(Instant now) {
    switch (phase_) {
    case Phase::acquiring: return step_acquiring(now);
    case Phase::pausing: return step_pausing(now);
    case Phase::held: return step_held(now);
    case Phase::cleaning:
    case Phase::releasing: return step_sweeping(now);
    case Phase::idle:
    case Phase::lost:
    case Phase::ended: return;
    }
}

void Lock::step_acquiring(Instant now) {
    const Attempt::Verdict verdict = attempt_->step(now, pacing_.round_trip());
    switch (verdict.result) {
    case Attempt::Result::open: return;
    case Attempt::Result::failed: return attempt_failed(now, verdict.split, verdict.holder);
    case Attempt::Result::disagreed: return clean_up(now, Ending::disagreed);
    case Attempt::Result::won: break;
    }
    phase_ = Phase::held;
    for (const auto &answer : last_round().answers())
        if (answer) note_others(*answer);
    pacing_.attempt_won();
    next_at_ = last_round().started() + terms_.renewal_period();
}

void Lock::attempt_failed(Instant now, bool split, bool holder) {
    if (last_round().denied()) return clean_up(now, Ending::denied);
    // Protocol 12.3. Votes still under way do not count, or a silent node would hide behind two fast ones forever.
    if (quarantine()) {
        unreachable_since_.reset();
    } else if (out_of_reach() && !unreachable_since_) {
        unreachable_since_ = last_round().started();
    } else if (out_of_reach() && now - *unreachable_since_ >= terms_.ttl) {
        return clean_up(now, Ending::unreachable);
    }
    if (out_of_time(now) || (terms_.no_wait() && !split)) return clean_up(now, Ending::busy);
    abandon_attempt(now);
    pacing_.failed(split, holder);
    phase_ = Phase::pausing;
    next_at_ = now + pacing_.after_attempt(last_round(), split, give_up_at_);
}

// Protocol 4.7.
void Lock::abandon_attempt(Instant now) {
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        NodeRecord &record = possession_.node(node);
        if (record.touched == 0) continue;
        const Serial acquire = record.latest >= record.touched ? 0 : record.touched;
        former_.add({node, token(), acquire, outbox_.abandon(node, token(), now).serial, now});
        record.touched = 0;
    }
}

void Lock::step_pausing(Instant now) {
    if (last_round().denied()) return clean_up(now, Ending::denied);
    if (attempt_->disagrees()) return clean_up(now, Ending::disagreed);
    if (out_of_time(now)) return clean_up(now, Ending::busy);
    if (now >= *next_at_) phase_ = Phase::idle;
}

void Lock::step_held(Instant now) {
    if (possession_.lease().lost(now)) {
        phase_ = Phase::lost;
        return;
    }
    if (!terms_.renew) return;
    if (!next_at_) {
        Round &round = renewal_->round;
        if (now >= renewal_->sent + terms_.node_timeout)
            round.close("no answer within " + std::to_string(to_ms_up(terms_.node_timeout)) + " ms");
        if (round.outcome() == Outcome::pending) return;
        const bool prolonged = renewed();
        next_at_ = prolonged ? renewal_->sent + terms_.renewal_period() : now + pacing_.after_failed_renewal();
        if (prolonged) pacing_.renewed();
    }
    if (now >= *next_at_) renew(now);
}

// Protocol 7.6.
void Lock::renew(Instant now) {
    former_.forget_before(now - 2 * terms_.ttl);
    next_at_.reset();
    renewal_ = Renewal{Round(terms_.nodes, terms_.quorum, outbox_.next_serial(), now), now, latest_answers()};
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        Request &request = outbox_.ask(node, Verb::extend, token(), fence(), now + terms_.node_timeout);
        request.until = possession_.until(node);
        if (request.until > 0) possession_.node(node).touched = request.serial;
    }
}

// Protocol 4.11. Ending::busy here means "no time left"; step_sweeping finds out what it was that took so long.
void Lock::clean_up(Instant now, Ending ending) { start_sweep(now, Phase::cleaning, Verb::abandon, ending); }

void Lock::release(Instant now) {
    check(phase_ == Phase::held || phase_ == Phase::lost, "only a lock that was won is released");
    const bool lost = phase_ == Phase::lost || possession_.lease().lost(now);
    // After a loss there is nothing to hand on (protocol 8.2).
    start_sweep(now, Phase::releasing, lost ? Verb::abandon : Verb::release, lost ? Ending::lost : Ending::released);
}

void Lock::give_up(Instant now) {
    check(phase_ != Phase::held && phase_ != Phase::lost, "a lock that was won is released");
    if (phase_ == Phase::idle || phase_ == Phase::acquiring || phase_ == Phase::pausing) {
        clean_up(now, Ending::interrupted);
    } else if (phase_ == Phase::cleaning) {
        ending_ = Ending::interrupted;
        step_sweeping(now);
    }
}

void Lock::start_sweep(Instant now, Phase phase, Verb verb, Ending ending) {
    const bool first = phase == Phase::cleaning && (!attempt_ || attempt_->first());
    phase_ = phase;
    ending_ = ending;
    Sweep::Plan plan;
    plan.verb = verb;
    plan.key = terms_.key;
    plan.token = token();
    plan.fence = verb == Verb::release ? fence() : 0;
    for (const NodeRecord &node : possession_.nodes()) {
        plan.ask.push_back(verb == Verb::release || node.touched > 0);
        plan.await.push_back(node.responsive);
    }
    plan.quorum = terms_.quorum;
    plan.node_timeout = terms_.node_timeout;
    plan.connected = !first;
    plan.first = outbox_.reserve();
    sweep_.emplace(now, std::move(plan));
    for (Request &request : sweep_->take_requests()) requests_.push_back(std::move(request));
    step_sweeping(now);
}

void Lock::step_sweeping(Instant now) {
    sweep_->tick(now);
    if (ending_ == Ending::busy) {
        attempt_->close_when_late(now);
        // "Busy" and "unreachable" are different news: the votes still under way may decide which it is.
        if (out_of_reach() && last_round().pending() > 0) return;
    }
    if (!sweep_->done()) return;
    if (ending_ == Ending::busy && (attempt_->disagrees() || in_doubt())) ending_ = Ending::disagreed;
    if (ending_ == Ending::busy && out_of_reach())
        ending_ = last_round().denied() ? Ending::denied : Ending::unreachable;
    phase_ = Phase::ended;
}

std::optional<Instant> Lock::deadline() const {
    switch (phase_) {
    case Phase::acquiring: return attempt_->deadline();
    case Phase::pausing: return earlier(next_at_, give_up_at_);
    case Phase::held: {
        const Instant validity = possession_.lease().validity();
        if (!terms_.renew) return validity;
        return std::min(validity, next_at_ ? *next_at_ : renewal_->sent + terms_.node_timeout);
    }
    case Phase::cleaning:
    case Phase::releasing: return sweep_->done() && attempt_ ? attempt_->answers_due() : sweep_->deadline();
    case Phase::idle:
    case Phase::lost:
    case Phase::ended: return std::nullopt;
    }
    return std::nullopt;
}

} // namespace redlock::core
