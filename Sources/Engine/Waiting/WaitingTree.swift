// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Orders that wait for something, in the order in which it comes to them: a treap (Seidel and
/// Aragon, 1996) over the links in `OrderExtra`. A node's rank is a keyed hash of the reference
/// that created its order: nobody can aim at a chain, the shape depends on the orders that are in
/// it and on nothing else, and its height is a few times the logarithm of their number. Nothing
/// that the order path uses recurs or allocates.
///
/// One value serves all trees of a kind; whose it is the root says, 0 of an empty one.
struct WaitingTree {
    /// What the orders wait for, which is what they are ordered by.
    enum Kind {
        case expiry
        case trigger
        /// The market to move so far that the trigger follows.
        case trail
    }

    let kind: Kind
    let extras: Table<OrderExtra>
    /// All trees of an engine have one, which changes only while they are empty.
    let seed: UInt64

    /// What comes first: the key, then who is older. No two orders of a sound state have one
    /// reference; of an image that was made up they are told apart by where they are.
    private func key(_ node: UInt32) -> (Int64, UInt64, UInt32) {
        let extra = extras[node]
        let first =
            switch kind {
            case .expiry: Int64(extra.expirySeconds)
            case .trigger: extra.triggersFalling ? -extra.triggerTick : extra.triggerTick
            // Who is triggered from above follows a market that rises.
            case .trail: extra.triggersFalling ? extra.moveTick : -extra.moveTick
            }
        return (first, extra.entryReference, node)
    }

    @inline(__always) private func links(_ node: UInt32) -> TreeLinks {
        switch kind {
        case .expiry: extras[node].expiry
        case .trigger: extras[node].trigger
        case .trail: extras[node].trail
        }
    }

    @inline(__always) private func setLinks(_ node: UInt32, _ links: TreeLinks) {
        switch kind {
        case .expiry: extras[node].expiry = links
        case .trigger: extras[node].trigger = links
        case .trail: extras[node].trail = links
        }
    }

    @inline(__always) private func rank(_ node: UInt32) -> UInt64 {
        let product = (extras[node].entryReference ^ seed).multipliedFullWidth(
            by: seed ^ 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    /// The first of all, or 0. O(log n) expected, as all below.
    func first(of root: UInt32) -> UInt32 {
        var node = root
        guard node != 0 else { return 0 }
        while links(node).left != 0 { node = links(node).left }
        return node
    }

    /// Adds a node that is not there.
    func insert(_ node: UInt32, into root: inout UInt32) {
        let key = key(node)
        let rank = rank(node)
        var hole = Hole()
        var current = root
        while current != 0, self.rank(current) >= rank {
            hole = Hole(parent: current, isRight: self.key(current) < key)
            current = child(hole, root)
        }
        set(hole, node, &root)
        // What was there is split by the key into what is before the node and what is behind it.
        var before = Hole(parent: node, isRight: false)
        var behind = Hole(parent: node, isRight: true)
        while current != 0 {
            if self.key(current) < key {
                set(before, current, &root)
                before = Hole(parent: current, isRight: true)
                current = child(before, root)
            } else {
                set(behind, current, &root)
                behind = Hole(parent: current, isRight: false)
                current = child(behind, root)
            }
        }
        set(before, 0, &root)
        set(behind, 0, &root)
    }

    /// Takes a node out that is there, its key as it was when it came.
    func remove(_ node: UInt32, from root: inout UInt32) {
        let key = key(node)
        var hole = Hole()
        while child(hole, root) != node {
            let current = child(hole, root)
            hole = Hole(parent: current, isRight: self.key(current) < key)
        }
        var left = links(node).left
        var right = links(node).right
        while left != 0, right != 0 {
            if rank(left) >= rank(right) {
                set(hole, left, &root)
                hole = Hole(parent: left, isRight: true)
                left = child(hole, root)
            } else {
                set(hole, right, &root)
                hole = Hole(parent: right, isRight: false)
                right = child(hole, root)
            }
        }
        set(hole, left | right, &root)
        setLinks(node, TreeLinks())
    }

    /// How many nodes there are. Walks all.
    func count(of root: UInt32) -> Int {
        var count = 0
        forEach(of: root) { _ in count += 1 }
        return count
    }

    /// What is wrong with the order of the nodes or with their ranks, or nil. Walks all.
    func checkOrder(of root: UInt32) -> String? {
        var broken: String?
        var last: UInt32 = 0
        forEach(of: root) { node in
            if last != 0, key(last) >= key(node) { broken = "has node \(node) out of order" }
            for child in [links(node).left, links(node).right]
            where child != 0 && rank(child) > rank(node) {
                broken = "has node \(child) above its rank"
            }
            last = node
        }
        return broken
    }

    /// Visits all nodes in order. Allocates.
    func forEach(of root: UInt32, _ visit: (UInt32) -> Void) {
        var above: [UInt32] = []
        var node = root
        while node != 0 || !above.isEmpty {
            while node != 0 {
                above.append(node)
                node = links(node).left
            }
            let next = above.removeLast()
            visit(next)
            node = links(next).right
        }
    }

    /// A place where a node hangs: under a parent, or the root.
    private struct Hole {
        var parent: UInt32 = 0
        var isRight = false
    }

    private func child(_ hole: Hole, _ root: UInt32) -> UInt32 {
        guard hole.parent != 0 else { return root }
        let links = links(hole.parent)
        return hole.isRight ? links.right : links.left
    }

    private func set(_ hole: Hole, _ node: UInt32, _ root: inout UInt32) {
        guard hole.parent != 0 else { return root = node }
        var links = links(hole.parent)
        if hole.isRight { links.right = node } else { links.left = node }
        setLinks(hole.parent, links)
    }
}
