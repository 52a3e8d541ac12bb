// One operation sent to all nodes, and what each said. A node that was silent may still answer while the
// round is open; any other answer is final. Stray, repeated and older replies change nothing.
#pragma once

#include "core/message.hh"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

namespace redlock::core {

enum class Outcome { pending, won, lost };

// The smallest number of nodes of which any two groups share one.
constexpr std::size_t majority(std::size_t nodes) { return nodes / 2 + 1; }

// Won as soon as `quorum` nodes said yes, lost as soon as they no longer can (protocol 4.3). Never pending once every
// vote is in: an even number of nodes cannot hang on a draw.
constexpr Outcome tally(std::size_t nodes, std::size_t quorum, std::size_t yes, std::size_t no) {
    if (yes >= quorum) return Outcome::won;
    return nodes - no < quorum ? Outcome::lost : Outcome::pending;
}

// What a quorum reaches, whichever nodes it is made of: the quorum-th largest of at least so many values.
template <class T> T reached_by(std::size_t quorum, std::vector<T> values) {
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(quorum - 1);
    std::nth_element(values.begin(), nth, values.end(), std::greater<>());
    return *nth;
}

class Round {
  public:
    // No nodes, nothing pending.
    Round() = default;
    // Node i was sent the request with serial first + i.
    Round(std::size_t nodes, std::size_t quorum, Serial first, Instant started)
        : answers_(nodes), serials_(nodes), quorum_(quorum), started_(started) {
        for (Serial &serial : serials_) serial = first++;
    }

    // True when the reply belongs here and told something new.
    bool take(const Reply &reply);
    // Counts as this node's answer, whichever request it belongs to.
    void overrule(const Reply &reply) { answers_[reply.node] = reply; }
    // This node is asked again, with another request: what it said is forgotten.
    void ask_again(NodeIndex node, Serial serial) {
        answers_[node].reset();
        serials_[node] = serial;
    }
    // Those who have said nothing at all count as silent from now on.
    void close(const std::string &why);

    // Granted counts as yes, each of the three other answers as no.
    [[nodiscard]] Outcome outcome() const;
    // The same by those alone who spoke their mind: errors and silence prove nothing, and leave it pending.
    [[nodiscard]] Outcome proven() const {
        return tally(answers_.size(), quorum_, count(Answer::granted), count(Answer::refused));
    }
    // How many gave an answer of which `predicate` is true; how many gave this one.
    template <class Predicate> [[nodiscard]] std::size_t count_if(Predicate predicate) const {
        const auto given = [&](const std::optional<Reply> &answer) { return answer && predicate(*answer); };
        return static_cast<std::size_t>(std::count_if(answers_.begin(), answers_.end(), given));
    }
    [[nodiscard]] std::size_t count(Answer answer) const;
    // How many nodes spoke their mind: granted or refused.
    [[nodiscard]] std::size_t heard() const { return count(Answer::granted) + count(Answer::refused); }
    // How many have not said anything yet.
    [[nodiscard]] std::size_t pending() const;
    // So many refuse our credentials, or are no servers for locks, that the others are no quorum: there is no point in
    // waiting.
    [[nodiscard]] bool denied() const;
    // The same, and it is the servers' fault alone.
    [[nodiscard]] bool unfit() const;

    // Per node, nullopt: nothing yet.
    [[nodiscard]] const Answers &answers() const { return answers_; }
    [[nodiscard]] Instant started() const { return started_; }

  private:
    Answers answers_;
    std::vector<Serial> serials_; // per node, of the request whose answer counts
    std::size_t quorum_ = 0;
    Instant started_{};
};

} // namespace redlock::core
