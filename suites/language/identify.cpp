#include "suites/language/identify.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "harness/base/text.h"
#include "suites/language/latin_model.h"
#include "suites/language/prose.h"
#include "suites/language/words.h"

namespace assay::suites {

namespace {

using Scores = std::array<double, kLanguages>;  // natural logarithms

constexpr double kImpossible = -1e6;
// What measured best on the texts that suites/README.md names: within a sentence several words must speak for a change.
constexpr double kChangeInSentence = -18, kChangeBetweenSentences = -8;
constexpr double kUnknownLetter = -4;  // each letter of a word in none of the six Latin-script languages

// Characters of one of the two languages alone, in their everyday forms: of simplified Chinese those that JIS X 0208
// lacks, of Japanese those that GB 2312 and Big5 lack.
constexpr std::string_view kChineseOnly =
    "们这么对时说为过还样开经动问题则设证应该两种让实现发见觉间关给话认识长东车马鸟门闻买卖读书师习业义乐乡产亲亿仅"
    "仓仪众优伟传伤伦侧债倾偿储兰兴养兽冈军农冻净减凤击刚创删别剂剑办务劳势华协单卫历压厌厕县变叹吓吗启员呜响哑唤团"
    "园围图圆圣场块坚坛处备复够头夹夺奋奖妇妈娱宁宠审宫宽宾寻导尔尝层岁岂岗岛岭币帅带帮庆库庙废异张强归录彻忆忧怀态"
    "总恶恼惊惯户执扩扫扬抚抢护报拟拥择挤换损摄摆摇撑敌显晓暂术杀杂权极构枪柜标栋树桥检欢毁毕汇汉汤沟泻泽洁测济浓涂"
    "润涨渐渔满滤灭灵炼烂烦烧热爱爷狱猎环玛电疗监盘矿码砖确础离积稳穷窍竞笔签简类紧纠红约级纪纯纲纳纵纷纸纹线练组细"
    "织终绍结绕绘绝统继绩绪续维绿缓编缩罗罚职联胜脏脑脸舰艺节药获营蓝虑虽蚂规视览计订讨训议讯记讲许论访评词译试诗诚"
    "询详语误请诸课谁调谈谢谓负财责败货质贩贫购费资赏赔赛赞赵趋跃轨转轮软轻载较辅辆输辑边达迁迈运进远违连迟适选递逻"
    "遗邓邮邻郑释针钉钟钢钱铁银错键锁镇镜闪闭闲闹阅阔队阳阴阵阶际陆陈险隐难雾韩页顶项顺须顾顿预领频颜额风飞饭饮馆驱"
    "验骑骗鱼鲜齐齿龙龟";
constexpr std::string_view kJapaneseOnly =
    "込働円図気実変対単戦売両帰転広労県応関経楽歩観覚効検産価顔読続総権毎渋払仏竜戸駅険験悪辺沢桜斎剤済処拠銭浄巻圏"
    "帯従徴恵択挙挿捜揺摂晩暁栄様殻渓焼獣畑畳砕稲穂窓粛縄縦繊聴脳臓荘薬蔵訳譲賛鉄録鋳隠隣霊頼顕駆騒髄鶏黙齢枠峠匂塀";
// Characters that almost every Chinese sentence has and Japanese hardly uses.
constexpr std::string_view kChineseFrequent =
    "个没从与并吗的是我你他她它在了就也和那呢吧着都把被所以而且但如果因为什么";

std::unordered_set<std::string> characters(std::string_view text) {
  std::unordered_set<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    next_code_point(text, at);
    found.emplace(text.substr(begin, at - begin));
  }
  return found;
}

Scores only(Language language) {
  Scores scores;
  scores.fill(kImpossible);
  scores[static_cast<std::size_t>(language)] = 0;
  return scores;
}

Scores score_han(const std::string& character) {
  static const std::unordered_set<std::string> chinese_only = characters(kChineseOnly);
  static const std::unordered_set<std::string> japanese_only = characters(kJapaneseOnly);
  static const std::unordered_set<std::string> chinese_frequent = characters(kChineseFrequent);
  const bool is_japanese = japanese_only.contains(character);
  Scores scores = only(Language::zh);
  double& japanese = scores[static_cast<std::size_t>(Language::ja)];
  japanese = -0.1;
  if (chinese_frequent.contains(character)) japanese = -1.5;
  if (chinese_only.contains(character) && !is_japanese) japanese = -8;
  if (is_japanese && !chinese_only.contains(character)) scores[static_cast<std::size_t>(Language::zh)] = -8;
  return scores;
}

/// Letters of Ukrainian, Belarusian, Serbian, Macedonian and Kazakh that Russian lacks.
bool has_foreign_cyrillic(std::string_view word) {
  for (const std::string_view letter :
       {"і", "ї", "є", "ґ", "ў", "ј", "љ", "њ", "ћ", "ђ", "џ", "ѓ", "ќ", "ѕ", "ә", "қ", "ң", "ө", "ұ", "ү", "һ"}) {
    if (word.find(letter) != std::string_view::npos) return true;
  }
  return false;
}

/// Letters of Persian, Urdu and their neighbours that Arabic lacks.
bool has_foreign_arabic(std::string_view word) {
  for (const std::string_view letter : {"پ", "چ", "ژ", "گ", "ک", "ی", "ے", "ں", "ٹ", "ڈ", "ڑ", "ہ"}) {
    if (word.find(letter) != std::string_view::npos) return true;
  }
  return false;
}

Scores score_latin(std::string_view word) {
  Scores scores;
  scores.fill(kImpossible);
  const auto likelihoods = LatinModel::trained().log_likelihoods(word);
  std::copy(likelihoods.begin(), likelihoods.end(), scores.begin());
  double n_letters = 1;  // its end counts too
  for (std::size_t at = 0; at < word.size(); ++n_letters) next_code_point(word, at);
  scores[static_cast<std::size_t>(Language::other)] = n_letters * kUnknownLetter;
  return scores;
}

Scores score_word(const Word& word) {
  switch (word.script) {
    case Script::latin:
      return score_latin(word.text);
    case Script::cyrillic:
      return only(has_foreign_cyrillic(word.text) ? Language::other : Language::ru);
    case Script::arabic:
      return only(has_foreign_arabic(word.text) ? Language::other : Language::ar);
    case Script::devanagari:
      return only(Language::hi);
    case Script::hangul:
      return only(Language::ko);
    case Script::kana:
      return only(Language::ja);
    case Script::han:
      return score_han(word.text);
    case Script::other:
      break;
  }
  return only(Language::other);
}

/// The most likely sequence of languages (Viterbi).
std::vector<Language> label(const std::vector<Word>& words) {
  std::unordered_map<std::string_view, Scores> known;
  std::vector<std::array<std::uint8_t, kLanguages>> before(words.size());
  Scores best{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto [place, is_new] = known.try_emplace(words[i].text);
    if (is_new) place->second = score_word(words[i]);
    const auto top = static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin());
    const double changed = best[top] + (words[i].starts_sentence ? kChangeBetweenSentences : kChangeInSentence);
    for (std::size_t l = 0; l < kLanguages; ++l) {
      before[i][l] = static_cast<std::uint8_t>(best[l] >= changed ? l : top);
      best[l] = std::max(best[l], changed) + place->second[l];
    }
  }
  std::vector<Language> labels(words.size());
  auto language = static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin());
  for (std::size_t i = words.size(); i-- > 0;) {
    labels[i] = static_cast<Language>(language);
    language = before[i][language];
  }
  return labels;
}

}  // namespace

double LanguageUse::total_tokens() const {
  double total = 0;
  for (const double n : tokens) total += n;
  return total;
}

double LanguageUse::share(Language language) const {
  const double total = total_tokens();
  return total > 0 ? tokens[static_cast<std::size_t>(language)] / total : 0;
}

Language LanguageUse::dominant() const {
  return static_cast<Language>(std::max_element(tokens.begin(), tokens.end()) - tokens.begin());
}

double LanguageUse::switches_per_1000_tokens() const {
  const double total = total_tokens();
  return total > 0 ? 1000 * static_cast<double>(n_switches) / total : 0;
}

LanguageUse identify_languages(std::string_view text) {
  const std::vector<Word> words = split_words(prose_only(text));
  const std::vector<Language> labels = label(words);
  LanguageUse use;
  for (std::size_t i = 0; i < words.size(); ++i) {
    use.tokens[static_cast<std::size_t>(labels[i])] += token_count(words[i]);
    use.n_switches += i > 0 && labels[i] != labels[i - 1] ? 1 : 0;
  }
  return use;
}

}  // namespace assay::suites
