/// A heap of indices by a key that may change, the largest on top.
struct IndexHeap {
    private var keys: [Double]
    private var heap: [Int]
    private var places: [Int]

    /// Every index of `keys`, which must not be empty.
    init(_ keys: [Double]) {
        precondition(!keys.isEmpty, "a heap of nothing has no top")
        self.keys = keys
        heap = Array(keys.indices)
        places = heap
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
    }

    var top: Int { heap[0] }
    var topKey: Double { keys[heap[0]] }
    /// Each index's key.
    var values: [Double] { keys }

    func key(_ index: Int) -> Double { keys[index] }

    mutating func update(_ index: Int, _ key: Double) {
        let old = keys[index]
        keys[index] = key
        if key < old { sink(places[index]) } else { rise(places[index]) }
    }

    private mutating func sink(_ start: Int) {
        var place = start
        let index = heap[place]
        let key = keys[index]
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, keys[heap[child + 1]] > keys[heap[child]] { child += 1 }
            guard keys[heap[child]] > key else { break }
            heap[place] = heap[child]
            places[heap[place]] = place
            place = child
        }
        heap[place] = index
        places[index] = place
    }

    private mutating func rise(_ start: Int) {
        var place = start
        let index = heap[place]
        let key = keys[index]
        while place > 0, keys[heap[(place - 1) / 2]] < key {
            heap[place] = heap[(place - 1) / 2]
            places[heap[place]] = place
            place = (place - 1) / 2
        }
        heap[place] = index
        places[index] = place
    }
}
