#include "util/similar.hh"

#include <algorithm>
#include <vector>

namespace redlock {

namespace {

// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            d[i][j] = std::max(i, j);
            if (i == 0 || j == 0) continue;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

} // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr std::size_t longest_word = 64; // what is longer is no typing error, and costs its square
    if (word.size() < 2 || word.size() > longest_word) return {};
    std::string_view best;
    std::size_t best_distance = word.size() <= 4 ? 2 : 3;
    for (const std::string_view candidate : candidates) {
        const bool abbreviated = word.size() >= 3 && candidate.starts_with(word);
        const std::size_t d = abbreviated ? 0 : distance(word, candidate);
        if (d >= best_distance || d >= candidate.size()) continue;
        best_distance = d;
        best = candidate;
    }
    return best;
}

} // namespace redlock
