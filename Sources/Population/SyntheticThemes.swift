/// What a generated catalogue is made of: a theme is a kind of story, told by phrases that share its meaning, so that a
/// sentence encoder can tell themes apart and a taste for one carries over to items never seen.
struct Theme: Sendable {
    let kinds: [String]
    let places: [String]
    let details: [String]
}

extension Theme {
    static let all: [Theme] = [
        Theme(
            kinds: ["detective story", "murder mystery", "police procedural", "whodunit"],
            places: ["in a rainy harbour town", "in a country house", "on a night train", "in a quiet suburb"],
            details: ["a locked room", "a weary inspector", "a missing heiress", "a false confession", "a cold case"]),
        Theme(
            kinds: ["space adventure", "science fiction epic", "first contact story", "tale of the far future"],
            places: [
                "on a failing starship", "at the edge of the galaxy", "on a mining moon", "in orbit around Saturn",
            ],
            details: ["an alien signal", "a rogue computer", "a wormhole", "a crew in deep sleep", "a dying sun"]),
        Theme(
            kinds: ["romance", "love story", "romantic comedy", "tale of second chances"],
            places: ["in Paris in spring", "in a seaside bookshop", "at a summer wedding", "in a small bakery"],
            details: ["a letter found too late", "rival florists", "a childhood sweetheart", "a pretend engagement"]),
        Theme(
            kinds: ["cookbook", "guide to home cooking", "collection of recipes", "kitchen handbook"],
            places: [
                "from the Italian countryside", "from a street market", "for busy weeknights", "for cold winters",
            ],
            details: ["slow braised stews", "fresh pasta", "sourdough bread", "pickled vegetables", "simple puddings"]),
        Theme(
            kinds: ["war novel", "soldier's memoir", "history of a campaign", "story of the resistance"],
            places: ["in the trenches", "behind enemy lines", "in occupied Norway", "on a convoy in the Atlantic"],
            details: ["a doomed bridge", "a field hospital", "a forged passport", "a last letter home", "a siege"]),
        Theme(
            kinds: ["ghost story", "horror tale", "haunted house story", "gothic chiller"],
            places: ["in an abandoned asylum", "in a village on the moor", "in a cellar", "in a lighthouse at night"],
            details: ["a whispering wall", "a cursed mirror", "footsteps overhead", "a child nobody else can see"]),
        Theme(
            kinds: ["gardening guide", "book of plants", "handbook for growers", "year in the garden"],
            places: ["for small balconies", "for dry soils", "for shady corners", "in a walled garden"],
            details: ["climbing roses", "raised beds", "compost", "bees and hoverflies", "old apple varieties"]),
        Theme(
            kinds: ["football story", "sports biography", "tale of the underdog team", "championship chronicle"],
            places: ["in the lower leagues", "at the world cup", "on a muddy pitch", "in a training camp"],
            details: ["a penalty in the last minute", "an ageing captain", "a stubborn coach", "a torn ligament"]),
        Theme(
            kinds: ["fantasy saga", "tale of sorcery", "quest story", "chronicle of dragons"],
            places: ["in a kingdom of ice", "in an enchanted forest", "beyond the mountains", "in a city of wizards"],
            details: ["a broken sword", "a dragon's egg", "a forbidden spell", "an exiled queen", "a talking raven"]),
        Theme(
            kinds: ["programming handbook", "guide to software design", "course in algorithms", "systems textbook"],
            places: ["for working engineers", "for beginners", "from first principles", "for large codebases"],
            details: ["concurrency bugs", "compiler internals", "database indexes", "unit tests", "network protocols"]),
        Theme(
            kinds: ["nature documentary", "wildlife film", "field study", "portrait of an ecosystem"],
            places: ["on the African savannah", "under the Arctic ice", "in the rainforest", "on a coral reef"],
            details: ["migrating whales", "a wolf pack", "hunting leopards", "nesting albatrosses", "giant squid"]),
        Theme(
            kinds: ["western", "frontier tale", "cattle drive story", "outlaw ballad"],
            places: ["in a dusty border town", "on the open prairie", "in a silver mine", "along the railroad"],
            details: ["a hired gun", "a stolen horse", "a corrupt sheriff", "a duel at noon", "a stagecoach robbery"]),
        Theme(
            kinds: ["jazz record", "album of ballads", "live concert recording", "trio session"],
            places: ["from a Harlem club", "from a Paris cellar", "from a festival by a lake", "from a late night"],
            details: ["a walking bass", "brushed drums", "a smoky saxophone", "long piano solos", "muted trumpet"]),
        Theme(
            kinds: ["political thriller", "spy novel", "conspiracy story", "tale of espionage"],
            places: ["in divided Berlin", "inside the ministry", "in Washington", "at an embassy reception"],
            details: ["a double agent", "a leaked dossier", "a defector", "a coded message", "an election stolen"]),
        Theme(
            kinds: ["children's picture book", "bedtime story", "tale for young readers", "nursery adventure"],
            places: ["in a treehouse", "at the bottom of the garden", "in a toy shop", "on a farm"],
            details: ["a lost teddy bear", "a brave mouse", "a kite", "a rabbit who cannot sleep", "muddy boots"]),
        Theme(
            kinds: ["travel diary", "walking guide", "road trip journal", "traveller's portrait"],
            places: ["across Patagonia", "along the Silk Road", "through the Scottish Highlands", "around Japan"],
            details: ["mountain huts", "night buses", "roadside shrines", "border crossings", "tea with strangers"]),
        Theme(
            kinds: ["economics book", "history of money", "investor's guide", "study of markets"],
            places: ["after the crash", "on Wall Street", "in the age of railways", "in emerging countries"],
            details: ["a banking panic", "central banks", "compound interest", "a speculative bubble", "trade wars"]),
        Theme(
            kinds: ["family drama", "coming of age story", "saga of three generations", "domestic novel"],
            places: ["in a crowded flat", "on a dairy farm", "in an immigrant quarter", "over one long summer"],
            details: [
                "an estranged father", "an inheritance", "two sisters", "a secret adoption", "a dinner gone wrong",
            ]),
        Theme(
            kinds: ["comedy", "satire", "farce", "collection of funny sketches"],
            places: ["in a failing hotel", "in an open plan office", "at a village fete", "on a package holiday"],
            details: ["mistaken identities", "a pompous mayor", "an escaped goat", "a disastrous speech", "a hamster"]),
        Theme(
            kinds: ["fitness plan", "running guide", "yoga handbook", "training journal"],
            places: ["for a first marathon", "without equipment", "after an injury", "for early mornings"],
            details: ["interval sessions", "stretching routines", "rest days", "breathing exercises", "strong hips"]),
    ]

    /// Words that say nothing about the theme.
    static let manners = [
        "A short", "A sweeping", "A quiet", "An award-winning", "A lively", "A patient", "A much loved", "A surprising",
        "A sharp", "A generous", "A classic", "A recent",
    ]
}
