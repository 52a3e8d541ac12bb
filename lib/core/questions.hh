// One step of `redlock init`: at most one question to each node, and what the nodes said. A node that has not answered
// after the node timeout counts as silent.
#pragma once

#include "core/message.hh"

#include <string>
#include <vector>

namespace redlock::core {

class Questions {
  public:
    Questions(std::size_t nodes, Duration node_timeout)
        : node_timeout_(node_timeout), awaited_(nodes), answers_(nodes) {}

    // A request to each of these nodes.
    static std::vector<Request> to(const std::vector<NodeIndex> &nodes, Verb verb);

    // Begins a step: gives the requests their serials and deadlines. Answers to the step before are forgotten, and
    // ignored from now on. REQUIRES: at most one request to each node.
    void begin(Instant now, std::vector<Request> &requests);
    // True if the reply is the first answer to a question of this step.
    bool take(const Reply &reply);
    // The step is over: no answer is missing, or the deadline has come and the missing nodes now count as silent.
    bool complete(Instant now);

    // Per node; nullopt: not asked, or no answer yet.
    [[nodiscard]] const Answers &answers() const { return answers_; }
    [[nodiscard]] Instant deadline() const { return deadline_; }

  private:
    const Duration node_timeout_;
    std::vector<Serial> awaited_; // per node; 0: nothing
    Answers answers_;
    Instant deadline_{};
    Serial next_serial_ = 1;
};

} // namespace redlock::core
