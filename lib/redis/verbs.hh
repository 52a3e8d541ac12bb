// The table of verbs: what each verb of the core is on the wire. A new verb is an enumerator of core::Verb, a script
// (with its name in meson.build) and a row in verbs.cc. Nothing else depends on which verbs there are, or on their
// order.
#pragma once

#include "core/message.hh"
#include "redis/codec.hh"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redlock::redis {

// The keys that a script is given: none, the lock and its fence, the node's marker, or all three.
enum class Keys { none, lock, marker, lock_and_marker };

// Whether a verb may create the lock's key; when_set_anew: only if Request::until allows it.
enum class Creates { never, when_granted, when_set_anew };

// One element of a script's answer.
struct Element {
    std::optional<std::string_view> text;
    std::optional<long long> integer, number; // number: a whole one that a Lua script can hold
};

// Takes an element into the reply, whose answer is `granted` so far. An element of another shape makes the answer none.
struct Field {
    enum class Shape { any, text, integer, number, positive, number_or_missing, moment_or_empty };
    Shape shape = Shape::any;
    void (*take)(const Element &element, core::Reply &into) = nullptr;
};

// A script's answer: its first element, what it refuses (nullopt: nothing), and the elements that follow. Those behind
// the ones known here are ignored, because later versions of a script may append some.
struct Word {
    std::string_view word;
    std::optional<core::Refusal> refusal;
    std::array<Field, 11> fields{};
};

struct VerbRow {
    core::Verb verb;
    std::string_view name;
    std::string_view script;
    Keys keys;
    std::vector<std::string> (*arguments)(const core::Request &request);
    std::span<const Word> words; // all that the script may answer, but for errors
    Creates creates = Creates::never;
};

std::span<const VerbRow> verb_rows();
// Throws std::logic_error for a verb without a row.
const VerbRow &row_of(core::Verb verb);

// The request as a node wants it: EVAL with the verb's script.
std::string encode(const core::Request &request);
// Fills answer, refusal and what goes with them into a reply whose verb is set. False: the value is no answer to this
// verb, and `into` is as it was.
[[nodiscard]] bool decode(const Value &value, core::Reply &into);

// The request may create the lock's key; the reply says that it has.
[[nodiscard]] bool may_create(const core::Request &request);
[[nodiscard]] bool has_created(const core::Reply &reply);

} // namespace redlock::redis
