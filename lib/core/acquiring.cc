// The part of Lock between the first request of an attempt and the lock that is held, or the attempt that failed:
// counting the votes, what is done when nobody has a quorum, agreeing on a fence.
#include "core/contest.hh"
#include "core/lock.hh"

#include <algorithm>

namespace redlock::core {

void Lock::step_acquiring(Instant now) {
    close_when_late(now);
    if (disagreement(false)) return clean_up(now, Ending::disagreed);
    if (in_doubt()) {
        // Who refuses, or has no vote yet, says in a while what it thinks of them; who cannot be reached does not.
        const bool later =
            round_.count_if([](const Reply &reply) { return reply.answer == Answer::refused || reply.quarantine; }) > 0;
        if (round_.pending() > 0 ? out_of_time(now) : later) attempt_failed(now, true);
        else if (round_.pending() == 0) clean_up(now, Ending::disagreed);
        return;
    }
    if (round_.outcome() == Outcome::won || fence_ > 0) return step_fence(now);
    if (contested()) return step_contest(now);
    if (out_of_time(now)) attempt_failed(now);
}

// What a quorum has said is enough, or one silent node would hold everybody up until its time is over. But a node that
// is known to answer, however slowly, is waited for: its vote may be the one that is missing. A client that does not
// wait for the lock waits for every vote of its first attempt.
bool Lock::contested() const {
    if (round_.outcome() == Outcome::lost) return true;
    if (round_.heard() < terms_.quorum || (no_wait() && first_attempt())) return false;
    return !awaits_responsive();
}

bool Lock::awaits_responsive() const {
    for (NodeIndex node = 0; node < terms_.nodes; ++node)
        if (!round_.answers()[node] && responsive_[node]) return true;
    return false;
}

bool Lock::in_doubt() const { return round_.outcome() == Outcome::won && disagreement(true); }

bool Lock::out_of_time(Instant now) const { return give_up_at_ && now >= *give_up_at_; }

void Lock::step_contest(Instant now) {
    // After the first attempt it is known which nodes are silent: their votes are not waited for.
    if (!decide_by_) decide_by_ = first_attempt() || awaits_responsive() ? now + round_trip_ : now;
    const Standing found = standing(round_, terms_.quorum, token_, now >= *decide_by_);
    if (found == Standing::shut_out || out_of_time(now)) return attempt_failed(now);
    if (found == Standing::behind) {
        // Whether others stand in the way or the nodes are out of reach: the votes still under way tell.
        const bool may_be_in_reach = out_of_reach() && round_.heard() + round_.pending() >= terms_.quorum;
        if (!no_wait() || !first_attempt() || !may_be_in_reach) return attempt_failed(now, !out_of_reach());
        decide_by_ = round_deadline();
        return;
    }
    if (found == Standing::undecided) return;
    // Our own grants grow old meanwhile: what is won with them must last until a renewal has been answered.
    if (now - round_.started() >= renewal_period()) return attempt_failed(now);
    // Whoever has not gone away by now is no contender but a holder, and stays one for the attempts to come.
    if (!no_wait() && asked_again_ == (splits_ < most_contests ? most_contests : 1)) {
        splits_ = most_contests;
        return attempt_failed(now, true);
    }
    // A client that does not wait has no further attempt. Its rivals may still be waiting for the vote of a silent
    // node, and leave when they have seen how they stand: it asks until its time is over, less and less often.
    const int patience = no_wait() ? 1 + asked_again_ / most_contests : 1;
    if (!again_at_) again_at_ = now + patience * round_trip_;
    if (now >= *again_at_) ask_again(now);
}

void Lock::ask_again(Instant now) {
    blocker_ = blocker();
    ++asked_again_;
    asked_at_ = now;
    again_at_.reset();
    decide_by_.reset();
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const auto &answer = round_.answers()[node];
        if (!answer || answer->answer != Answer::refused) continue;
        round_.ask_again(node, ask(node, Verb::acquire, round_deadline()).serial);
    }
}

// The votes are won. F is the highest fence of all grants that have been heard of, late ones included: they count for
// the lease, too. The lock is held when a quorum of all nodes has exactly F on record since the key is ours: then every
// later owner draws a higher one at one of them at least. A quorum of those that granted would not be enough, nor nodes
// that have more: there, others may have had the key before it was ours again (tests/model).
void Lock::step_fence(Instant now) {
    if (lease_.validity() - now < terms_.needed) return attempt_failed(now);
    const Fence highest = *std::max_element(on_record_.begin(), on_record_.end());
    const bool news = fence_ < highest || confirmation_.answers().empty();
    if (news) settle_fence(now, highest);
    if (now >= confirmation_.started() + terms_.node_timeout) confirmation_.close("no answer in time");
    switch (confirmation_.outcome()) {
    case Outcome::won:
        phase_ = Phase::held;
        for (const auto &answer : round_.answers())
            if (answer) note_others(*answer);
        backoff_.reset();
        splits_ = 0;
        next_at_ = round_.started() + renewal_period();
        return;
    case Outcome::lost: return attempt_failed(now);
    case Outcome::pending:
        if (out_of_time(now)) return attempt_failed(now);
        if (news) ask_to_confirm(now);
        return;
    }
}

void Lock::settle_fence(Instant now, Fence fence) {
    fence_ = fence;
    confirmation_ = Round(terms_.nodes, terms_.quorum, next_serial_, now);
    next_serial_ += terms_.nodes;
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const auto &vote = round_.answers()[node];
        // Who has no key of ours cannot confirm it; who is not heard of yet may.
        if (vote && (vote->answer != Answer::granted || on_record_[node] == fence_)) confirmation_.overrule(*vote);
    }
    confirmed_ = confirmed_ || confirmation_.outcome() == Outcome::pending;
}

// Where the acquire is still under way, behind it on the same connection.
void Lock::ask_to_confirm(Instant now) {
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        if (confirmation_.answers()[node]) continue;
        confirmation_.ask_again(node, ask(node, Verb::confirm, now + terms_.node_timeout).serial);
    }
}

std::optional<Instant> Lock::acquiring_deadline() const {
    if (in_doubt()) return earlier(give_up_at_, round_deadline());
    if (fence_ > 0) return earlier(give_up_at_, confirmation_.started() + terms_.node_timeout);
    if (!contested()) return earlier(give_up_at_, round_deadline());
    return earlier(give_up_at_, again_at_ ? again_at_ : decide_by_);
}

} // namespace redlock::core
