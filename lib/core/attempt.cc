#include "core/attempt.hh"

#include "core/agreement.hh"
#include "core/contest.hh"

#include <algorithm>

namespace redlock::core {

Attempt::Attempt(const Terms &terms, Possession &possession, Outbox &outbox, Start start, Instant now)
    : terms_(terms), possession_(possession), outbox_(outbox), start_(std::move(start)), begins_(outbox.next_serial()),
      votes_(terms.nodes, terms.quorum, begins_, now), asked_at_(now) {
    for (NodeIndex node = 0; node < terms_.nodes; ++node) ask(node, Verb::acquire, answers_due(), votes_);
}

void Attempt::ask(NodeIndex node, Verb verb, Instant deadline, Round &round) {
    const Fence fence = verb == Verb::acquire ? start_.proposal : fence_;
    const Serial serial = outbox_.ask(node, verb, start_.token, fence, deadline).serial;
    if (verb == Verb::acquire) possession_.node(node).touched = serial;
    round.ask_again(node, serial);
}

void Attempt::ask_again(NodeIndex node) { ask(node, Verb::acquire, answers_due(), votes_); }

Attempt::State Attempt::state() const {
    if (in_doubt()) return State::in_doubt;
    if (votes_.outcome() == Outcome::won || fence_ > 0) return State::confirming;
    return contested() ? State::contested : State::voting;
}

Attempt::Verdict Attempt::step(Instant now, Duration round_trip) {
    close_when_late(now);
    if (disagrees()) return {Result::disagreed};
    switch (state()) {
    case State::in_doubt: return step_in_doubt(now);
    case State::confirming: return step_fence(now, round_trip);
    case State::contested: return step_contest(now, round_trip);
    case State::voting: break;
    }
    return {out_of_time(now) ? Result::failed : Result::open};
}

std::optional<Instant> Attempt::deadline() const {
    switch (state()) {
    case State::confirming: return earlier(start_.give_up_at, confirmation_.started() + terms_.node_timeout);
    case State::contested: return earlier(start_.give_up_at, again_at_ ? again_at_ : decide_by_);
    case State::in_doubt:
    case State::voting: break;
    }
    return earlier(start_.give_up_at, answers_due());
}

void Attempt::close_when_late(Instant now) {
    if (now >= answers_due()) votes_.close("no answer within " + std::to_string(to_ms_up(round_time())) + " ms");
}

bool Attempt::disagrees(bool doubtful) const {
    return possession_.any_repeated() || disagree(votes_.answers(), terms_.quorum, terms_.agreement(), doubtful);
}

// Protocol 10.7. Refusing or quarantined nodes will report their agreement on a later attempt; unreachable nodes will
// not.
Attempt::Verdict Attempt::step_in_doubt(Instant now) const {
    const bool later =
        votes_.count_if([](const Reply &reply) { return reply.answer == Answer::refused || reply.quarantine; }) > 0;
    if (votes_.pending() > 0 ? out_of_time(now) : later) return {Result::failed, true};
    return {votes_.pending() == 0 ? Result::disagreed : Result::open};
}

// Protocol 4.5. The votes of a quorum are enough, or one silent node would hold up every client until its time is over.
// But a node that is known to answer, however slowly, is waited for: its vote may be the missing one. A client that
// does not wait for the lock waits for every vote of its first attempt.
bool Attempt::contested() const {
    if (votes_.outcome() == Outcome::lost) return true;
    if (votes_.heard() < terms_.quorum || (terms_.no_wait() && start_.first)) return false;
    return !awaits_responsive();
}

bool Attempt::awaits_responsive() const {
    for (NodeIndex node = 0; node < terms_.nodes; ++node)
        if (!votes_.answers()[node] && possession_.nodes()[node].responsive) return true;
    return false;
}

// Protocol 4.6.
Attempt::Verdict Attempt::step_contest(Instant now, Duration round_trip) {
    // After the first attempt it is known which nodes are silent: their votes are not waited for.
    if (!decide_by_) decide_by_ = start_.first || awaits_responsive() ? now + round_trip : now;
    const Standing found = standing(votes_, terms_.quorum, start_.token, now >= *decide_by_);
    if (found == Standing::shut_out || out_of_time(now)) return {Result::failed};
    if (found == Standing::behind) {
        // A client that does not wait needs the votes still under way. They tell what blocks it: a holder, rivals, or
        // unreachable nodes.
        const bool more =
            terms_.no_wait() && votes_.pending() > 0 && votes_.heard() + votes_.pending() >= terms_.quorum;
        if (more && start_.first) decide_by_ = answers_due();
        if (more && now < *decide_by_) return {};
        return {Result::failed, votes_.heard() >= terms_.quorum};
    }
    if (found == Standing::undecided) return {};
    // Our own grants grow old meanwhile: a lease won with them must last until a renewal has been answered.
    if (now - votes_.started() >= terms_.renewal_period()) return {Result::failed, terms_.no_wait()};
    // A client that has not gone away by now is a holder, in the attempts to come, too.
    if (!terms_.no_wait() && asked_again_ == (start_.holder_known ? 1 : most_contests))
        return {Result::failed, true, true};
    // A client that does not wait has no further attempt. Its rivals may still be waiting for the vote of a silent
    // node, and leave when they have seen how they stand: it asks until its time is over, less and less often.
    const int patience = terms_.no_wait() ? 1 + asked_again_ / most_contests : 1;
    if (!again_at_) again_at_ = now + patience * round_trip;
    if (now >= *again_at_) ask_others_again(now);
    return {};
}

void Attempt::ask_others_again(Instant now) {
    blocker_ = blocker();
    ++asked_again_;
    asked_at_ = now;
    again_at_.reset();
    decide_by_.reset();
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const auto &answer = votes_.answers()[node];
        if (answer && answer->answer == Answer::refused) ask_again(node);
    }
}

// Protocol 6.4. F is the highest fence of all grants, late ones included: they count for the lease, too. The lock is
// held when a quorum of all nodes has exactly F on record since the key is ours. Then every later owner draws a higher
// fence on at least one of them. A quorum of the granting nodes would not be enough, nor nodes that have a higher
// fence: there, other clients may have had the key before it was ours again (tests/model).
Attempt::Verdict Attempt::step_fence(Instant now, Duration round_trip) {
    if (possession_.lease().validity() - now < terms_.needed) return {Result::failed, terms_.no_wait()};
    if (const auto node = absurd_fence()) {
        refuse_fence(*node);
        return step(now, round_trip);
    }
    Fence highest = 0;
    for (const NodeRecord &node : possession_.nodes()) highest = std::max(highest, node.on_record);
    const bool news = fence_ < highest || confirmation_.answers().empty();
    if (news) settle_fence(now, highest);
    if (now >= confirmation_.started() + terms_.node_timeout) confirmation_.close("no answer in time");
    switch (confirmation_.outcome()) {
    case Outcome::won: return {Result::won};
    case Outcome::lost: return {Result::failed, terms_.no_wait()};
    case Outcome::pending: break;
    }
    if (out_of_time(now)) return {Result::failed};
    if (news) ask_to_confirm(now);
    return {};
}

// Protocol 6.3. A fence that no clock and no history explain: far above our clock and above what every other node has
// drawn. Confirmed on the others, a few of them would use up the name's numbers.
std::optional<NodeIndex> Attempt::absurd_fence() const {
    const std::vector<NodeRecord> &nodes = possession_.nodes();
    NodeIndex highest = 0;
    Fence others = 0;
    for (NodeIndex node = 1; node < terms_.nodes; ++node) {
        const bool above = nodes[node].on_record > nodes[highest].on_record;
        others = std::max(others, nodes[above ? highest : node].on_record);
        if (above) highest = node;
    }
    const bool absurd = others > 0 && nodes[highest].on_record > std::max(others, start_.proposal) + most_ahead;
    return absurd ? std::optional(highest) : std::nullopt;
}

void Attempt::refuse_fence(NodeIndex node) {
    NodeRecord &record = possession_.node(node);
    Reply error = votes_.answers()[node].value_or(Reply{});
    error.node = node;
    error.answer = Answer::error;
    error.trouble = Trouble::absurd_fence;
    error.fence = record.on_record;
    error.text.clear();
    votes_.overrule(error);
    possession_.lease().drop(node);
    record.on_record = 0;
    fence_ = 0;
    confirmation_ = Round();
}

void Attempt::settle_fence(Instant now, Fence fence) {
    fence_ = fence;
    confirmation_ = Round(terms_.nodes, terms_.quorum, outbox_.reserve(), now);
    for (NodeIndex node = 0; node < terms_.nodes; ++node) {
        const auto &vote = votes_.answers()[node];
        // A node without our key cannot confirm; a node that has not answered yet may.
        if (vote && (vote->answer != Answer::granted || possession_.nodes()[node].on_record == fence_))
            confirmation_.overrule(*vote);
    }
    confirmed_ = confirmed_ || confirmation_.outcome() == Outcome::pending;
}

// Where the acquire is still under way, behind it on the same connection.
void Attempt::ask_to_confirm(Instant now) {
    for (NodeIndex node = 0; node < terms_.nodes; ++node)
        if (!confirmation_.answers()[node]) ask(node, Verb::confirm, now + terms_.node_timeout, confirmation_);
}

// A node that will not put the fence on record has no vote any more; one that has a lower one on record has not done
// it.
void Attempt::take_confirmation(const Reply &reply) {
    const bool no = reply.answer == Answer::refused || reply.answer == Answer::error;
    const bool less = reply.answer == Answer::granted && reply.fence < fence_;
    if (!less && confirmation_.take(reply) && no) votes_.overrule(reply);
}

std::string Attempt::blocker() const {
    std::string named = most_named(votes_.answers()).token;
    return named.empty() ? blocker_ : named;
}

} // namespace redlock::core
