// One operation sent to all nodes, and what each said. A node that was silent may still answer while the
// round is open; any other answer is final. Stray, repeated and older replies change nothing.
#pragma once

#include "core/message.hh"
#include "core/quorum.hh"

#include <optional>
#include <vector>

namespace redlock::core {

class Round {
  public:
    // No nodes, nothing pending.
    Round() = default;
    // Node i was sent the request with serial first + i.
    Round(std::size_t nodes, std::size_t quorum, Serial first, Instant started)
        : answers_(nodes), quorum_(quorum), first_(first), started_(started) {}

    // True when the reply belongs here and told something new.
    bool take(const Reply &reply);
    // Those who have said nothing at all count as silent from now on.
    void close(const std::string &why);

    // Granted counts as yes, each of the three other answers as no.
    [[nodiscard]] Outcome outcome() const;
    // How many gave this answer.
    [[nodiscard]] std::size_t count(Answer answer) const;
    // How many nodes spoke their mind: granted or refused.
    [[nodiscard]] std::size_t heard() const { return count(Answer::granted) + count(Answer::refused); }
    [[nodiscard]] std::size_t pending() const;

    // Per node, nullopt: nothing yet.
    [[nodiscard]] const std::vector<std::optional<Reply>> &answers() const { return answers_; }
    [[nodiscard]] Instant started() const { return started_; }

  private:
    std::vector<std::optional<Reply>> answers_;
    std::size_t quorum_ = 0;
    Serial first_ = 0;
    Instant started_{};
};

} // namespace redlock::core
