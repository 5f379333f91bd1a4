package secret

// CheckWritable returns nil, or the [ErrReadOnly] that Set would return for that name. It asks no store, so that
// nobody types or reads a value which cannot be stored. The name may be empty if no single secret is meant.
func CheckWritable(store Store, name string) error {
	_, bare := core(store)
	if s, ok := bare.(interface{ readOnly(name string) error }); ok {
		return s.readOnly(name)
	}
	return nil
}

// core is the store itself and its kind, within what Open and Once put around it.
func core(store Store) (kind string, bare Store) {
	for {
		switch s := store.(type) {
		case *onceStore:
			store = s.Store
		case guarded:
			return s.kind, s.bare
		default:
			return "secret", s
		}
	}
}
