print("memesense")
