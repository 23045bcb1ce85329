package tokenstores

// Ends is the expression of the expiry's index.
const Ends = ends
