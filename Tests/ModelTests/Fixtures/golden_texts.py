"""The 200 golden texts: written here, or built from word lists written here, so that nothing is copied from anywhere."""

import random

SUBJECTS = [
    "The lighthouse keeper", "A retired engineer", "My neighbour's cat", "The night train", "An old violin",
    "The committee", "A quiet novel about the sea", "This documentary", "The second album", "Her first film",
]
VERBS = [
    "remembers", "slowly reveals", "never explains", "celebrates", "argues about", "is haunted by", "repairs",
    "falls in love with", "quietly refuses", "sets out to find",
]
OBJECTS = [
    "a city under siege", "the price of copper in 1871", "three sisters and a debt", "an unfinished letter",
    "the mathematics of rain", "a robot that paints", "small-town politics", "the last winter before the flood",
    "a recipe nobody can read", "voices on a broken radio",
]
ENDINGS = [
    ".", "!", "?", "; critics disagreed.", " - a slow burn.", " (2h 14min, PG-13).", ", and it works.",
    ", which I didn't expect...", ": four stars out of five.", " #mustsee @home",
]

ACCENTS = [
    "Crème brûlée à la carte, s'il vous plaît.", "El niño comió jalapeños en el cañón.", "Ça va? Où êtes-vous?",
    "Die Größe der Straße überraschte Jürgen.", "Þetta er ævintýri um álfa og huldufólk.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.", "Zażółć gęślą jaźń.", "Ağaçlar İstanbul'da ışıldıyor, ıslak ve İNCE.",
    "Tiếng Việt có nhiều dấu: ắ ằ ẳ ẵ ặ ổ ỗ ộ.", "Ångström, Ørsted og Øresund, Æsop.", "naïve façade coöperate Zoë",
    "cafe\u0301 and café are one word twice", "e\u0323\u0302 and e\u0302\u0323 in either order, ệ composed",
    "ﬁnancial oﬃce with ligatures, ﬀ ﬃ ﬆ", "Ⅷ chapters, ½ cup, m², 5 µm, № 7, ™ and ®", "ＦＵＬＬ ｗｉｄｔｈ ｔｅｘｔ １２３",
    "K (Kelvin) and Å (Ångström) signs, ſ long s, ẞ capital sharp s", "Łódź, Çeşme, Iași, Győr, Hafnarfjörður",
    "ÀÉÎÕÜ ÀÉÎÕÜ àéîõü", "Z̸̢̛a̷͎̾l̵̪͝g̶̱̈́o̴͉͌ text with many marks",
]
CJK = [
    "今天天气很好，我们去公园散步吧。", "電影《海上鋼琴師》講述了一個鋼琴家的故事。", "機械学習は楽しいですが、数学が必要です。",
    "東京タワーの高さは333メートルです。", "ひらがなとカタカナとｶﾀｶﾅ", "がぎぐげご パピプペポ", "か\u3099き\u3099 decomposed",
    "한국어 문장은 띄어쓰기가 있습니다.", "서울에서 부산까지 기차로 두 시간 반", "各 한글 \u1112\u1161\u11ab\u1100\u1173\u11af",
    "中文English混排mixed文本123测试", "「引用」と『二重引用』、そして…", "㊗️ ㍿ ㌔ ㎏ Ⓐ ①②③", "々〆ヶ 〇 零",
    "𠀀𠮷野家 and 𪚥 from the second plane", "豈更車 compatibility ideographs 樂", "ㄅㄆㄇㄈ bopomofo",
    "你好，世界！Hello, world! こんにちは世界", "漢字かな交じり文、句読点。改行\nあり", "粵語：佢哋喺度食緊飯",
]
EMOJI = [
    "I loved it 😍😍😍", "👍🏽 great 👎🏿 bad", "family 👨‍👩‍👧‍👦 and couple 👩‍❤️‍💋‍👨", "flags 🇫🇷🇯🇵🇧🇷 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☺ ☺️ ☹︎ keycaps 1️⃣ #️⃣",
    "🎬🍿 movie night!!!", "plain :-) and ¯\\_(ツ)_/¯", "❤️‍🔥 is newer than 🔥", "🫠🫡🫥 fourteen", "🪿🫨 fifteen",
    "a😀b", "😀", "rocket🚀to the🌕moon", "♠♥♦♣ ♪♫ ☂ ✈ ✔", "←↑→↓ ⇒ ∀x∈ℝ: x²≥0 ∑∏√∞≠≈",
]
SCRIPTS = [
    "Привет, как дела? Ёжик ест йогурт.", "Украї́нська мова: ґанок, їжак, є", "Ελληνικά: Ὀδυσσεύς, ΣΊΣΥΦΟΣ, ἄνθρωπος",
    "السَّلامُ عَلَيْكُمْ يا صديقي", "فارسی: می‌خواهم کتاب بخوانم", "שָׁלוֹם עֲלֵיכֶם, מה שלומך?", "हिन्दी में क्षत्रिय और ज्ञान",
    "বাংলা ভাষা আমার মাতৃভাষা", "தமிழ் மொழி பழமையானது", "ภาษาไทยไม่มีช่องว่างระหว่างคำ", "ქართული ენა, ᲥᲐᲠᲗᲣᲚᲘ",
    "Հայերէն լեզու, և ու", "አማርኛ ቋንቋ፡ ሰላም።", "ខ្មែរ និង ລາວ", "བོད་སྐད་ དང་ རྫོང་ཁ", "Монгол ᠮᠣᠩᠭᠣᠯ", "ⲙⲉⲧⲣⲉⲙⲛ̀ⲭⲏⲙⲓ ᚠᚢᚦᚨᚱᚲ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝓶𝓪𝓽𝓱 𝟙𝟚𝟛 𝐛𝐨𝐥𝐝", "Ꭰ Ꮳ ꭰ ꮳ cherokee in two cases", "one мир two 世界 three عالم four 🌍",
]
EDGES = [
    "", " ", "\t\n\r ", "\u00a0\u2003\u3000", "\u0000", "a\u0000b\u0001c\u007fd\u0085e", "zero\u200bwidth\u200djoin\ufeffbom",
    "soft\u00adhyphen and word\u2060joiner", "line\u2028separator\u2029paragraph", "\u000b\u000cvertical and form feed",
    "private \ue000\uf8ff use \U000f0000", "replacement \ufffd and noncharacter \ufffe\uffff", "unassigned \u0378 \u05ff \U0001fbff",
    "\u202ertl override\u202c and \u2066isolate\u2069", "tag \U000e0041 and variation \ufe0e\U000e0100",
    "[CLS] [MASK] is not [SEP] here [PAD]", "a[MASK]b[UNK]c", "[mask] [Cls] [ MASK ] [MASK", "[[MASK]] ##ing ## # #",
    "[SEP]",
]
PUNCTUATION = [
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "don't can't it's we've o'clock rock'n'roll", "«¡Hola!» „Guten Tag“ ‘x’ “y” ‹z› ‽ ⁇",
    "1,234.56 € = $1,359.99 = £1,150.-", "https://example.org/a/b?c=d&e=f#g", "user.name+tag@example.co.uk",
    "for (i = 0; i < n; i++) { x[i] *= 0.5; }", "C++, C#, F#, .NET, node.js", "---===---===---", "......!!!!!?????",
    "snake_case CamelCase kebab-case SCREAMING_CASE", "2026-11-22T04:43:08Z", "±5°C, 30′ 15″, ¶ § † ‡ •", "A.B.C. U.S.A. e.g. i.e.",
    "\\n is not a newline",
]


def sentence(rng):
    return "".join([rng.choice(SUBJECTS), " ", rng.choice(VERBS), " ", rng.choice(OBJECTS), rng.choice(ENDINGS)])


def texts(fill):
    """All 200; `fill(text, tokens)` cuts or repeats a text until the reference gives it that many tokens."""
    rng = random.Random(7420)
    result = ACCENTS + CJK + EMOJI + SCRIPTS + EDGES + PUNCTUATION
    result += ["x" * 99, "x" * 100, "x" * 101, "é" * 100, "é" * 101, "supercalifragilisticexpialidocious" * 3]
    result += ["unaffable " + "antidisestablishmentarianism " * 3, "a" * 5000, "字" * 700, "😀 " * 600]
    story = " ".join(sentence(rng) for _ in range(80))
    result += [story, story.upper(), " ".join(CJK + SCRIPTS + ACCENTS)]
    result += [fill(story, tokens) for tokens in (509, 510, 511, 512)]
    while len(result) < 200:
        result.append(" ".join(sentence(rng) for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))))
    assert len(result) == 200, len(result)
    return result
