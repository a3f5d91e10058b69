import Foundation
import Testing

@testable import MemeData

@Suite struct PublishedLayoutTests {
  @Test func hatefulMemesReadsSeenSetsOnly() throws {
    let folder = try TemporaryDataset(
      [
        "train.jsonl": #"{"id": 42, "img": "img/00042.png", "label": 1, "text": "kettle\n"}"# + "\n",
        "dev_seen.jsonl": #"{"id": "07", "img": "img/7.png", "label": 0, "text": "spoon"}"#,
        "dev_unseen.jsonl": #"{"id": "07", "img": "img/7.png", "label": 0, "text": "spoon"}"#,
        "test_unseen.jsonl": #"{"id": 9, "img": "img/9.png", "text": "fork"}"#,
      ], images: ["img/00042.png", "img/7.png", "img/9.png"])
    let dataset = try folder.read(strict: true)
    #expect(dataset.format == .hatefulMemes)
    #expect(dataset.tasks == [LabelTask(name: "hateful", kind: .binary, labels: ["hateful"])])
    #expect(dataset.memes.map(\.id) == ["42", "07", "9"])
    #expect(dataset.memes.map(\.split) == [.train, .validation, .test])
    #expect(dataset.memes.map { $0.labels["hateful"] } == [.binary(true), .binary(false), nil])
    let first = try dataset.meme("42")
    #expect(first.text == "kettle\n")
    #expect(first.image?.path == dataset.root.path + "/img/00042.png")
  }

  @Test func harMemeMasksTargetsOfHarmlessMemes() throws {
    let lines = [
      #"{"id": "a", "image": "a.png", "labels": ["not harmful"], "text": "tea"}"#,
      #"{"id": "b", "image": "b.png", "labels": ["somewhat harmful", "community"], "text": "milk"}"#,
      #"{"id": "c", "image": "c.png", "labels": ["very harmful", "society"], "text": "jam"}"#,
      #"{"id": "d", "image": "d.png", "labels": ["harmful-ish"], "text": "bread"}"#,
      #"{"id": "e", "image": "e.png", "text": "toast"}"#,
    ]
    for place in ["annotations/train.jsonl", "train.jsonl", "Annotations/train_v1.jsonl"] {
      let folder = try TemporaryDataset(
        [place: lines.joined(separator: "\n")], images: ["a", "b", "c", "d", "e"].map { "images/\($0).png" })
      let dataset = try folder.read()
      #expect(dataset.format == .harmeme)
      #expect(dataset.memes.map(\.id) == ["a", "b", "c", "e"])
      #expect(dataset.memes.map { $0.labels["harmful"] } == [.binary(false), .binary(true), .binary(true), nil])
      #expect(dataset.memes.map { $0.labels["intensity"] } == [.multiclass(0), .multiclass(1), .multiclass(2), nil])
      #expect(dataset.memes.map { $0.labels["target"] } == [nil, .multiclass(2), .multiclass(3), nil])
      #expect(dataset.problems.map(\.line) == [4])
      #expect(dataset.problems.first?.file == place)
      #expect(dataset.problems.first?.message.contains("harmful-ish") == true)
    }
  }

  @Test func oneAnnotationsFileHasTheSplitOfItsName() throws {
    let folder = try TemporaryDataset(
      ["annotations/val.jsonl": #"{"id": "a", "image": "a.png", "labels": ["not harmful"], "text": "tea"}"#],
      images: ["images/a.png"])
    let dataset = try Dataset.read(folder.root.appending(path: "annotations/val.jsonl"), strict: true)
    #expect(dataset.memes.map(\.split) == [.validation])
    #expect(dataset.memes[0].image?.lastPathComponent == "a.png")
    #expect(dataset.root.lastPathComponent == folder.root.lastPathComponent)
  }

  @Test func mamiJoinsTestLabels() throws {
    let header = "file_name\tmisogynous\tshaming\tstereotype\tobjectification\tviolence\tText Transcription\n"
    let folder = try TemporaryDataset(
      [
        "TRAINING/training.csv": header + "1.jpg\t1\t0\t1\t0\t1\tone, \"two\"\n2.jpg\t0\t0\t0\t0\t0\t\"line\nbreak\"\n",
        "test/Test.csv": "file_name\tText Transcription\n3.jpg\tthree\n4.jpg\tfour\n",
        "test_labels.txt": "3.jpg\t1\t1\t0\t0\t0\n9.jpg\t0\t0\t0\t0\t0\n4.jpg\t0\t2\t0\t0\t0\n",
        "trial/trial.csv": header + "1.jpg\t1\t0\t1\t0\t1\tone\n",
      ], images: ["TRAINING/1.jpg", "TRAINING/2.jpg", "test/3.jpg", "test/4.jpg"])
    let dataset = try folder.read()
    #expect(dataset.format == .mami)
    #expect(dataset.tasks.map(\.name) == ["misogynous", "subtypes", "misogyny"])
    #expect(dataset.memes.map(\.id) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"])
    #expect(dataset.memes.map(\.split) == [.train, .train, .test, .test])
    #expect(dataset.memes.map(\.text) == ["one, \"two\"", "line\nbreak", "three", "four"])
    #expect(
      dataset.memes.map { $0.labels["subtypes"] }
        == [
          .multilabel([false, true, false, true]), .multilabel([false, false, false, false]),
          .multilabel([true, false, false, false]), nil,
        ])
    #expect(
      dataset.memes.map { $0.labels["misogyny"] }
        == [
          .multilabel([true, false, true, false, true]), .multilabel([false, false, false, false, false]),
          .multilabel([true, true, false, false, false]), nil,
        ])
    #expect(
      dataset.problems.map(\.description).sorted()
        == [
          "test_labels.txt:2: '9.jpg' is no meme of the test file",
          "test_labels.txt:3: expected a file name and five columns of 0 or 1",
        ])
  }

  @Test func memotionFallsBackToRecognisedText() throws {
    let rows = [
      ",image_name,text_ocr,text_corrected,humour,sarcasm,offensive,motivational,overall_sentiment",
      "0,a.jpg,ocr,\"fixed, \"\"well\"\"\",hilarious,general,not_offensive,not_motivational,very_positive",
      "1,b.png,ocr,,not_funny,very_twisted,hateful_offensive,motivational,negative",
      "2,c.png,,,funny,not_sarcastic,slight,motivational,neutral",
      "3,d.png,x,x,amusing,not_sarcastic,slight,motivational,neutral",
    ]
    let folder = try TemporaryDataset(
      ["labels.csv": rows.joined(separator: "\r\n")],
      images: ["a.jpg", "b.png", "c.png", "d.png"].map { "images/" + $0 })
    let dataset = try folder.read()
    #expect(dataset.tasks.map(\.name) == ["sentiment5", "sentiment", "humour", "sarcasm", "offensive", "motivational"])
    #expect(dataset.memes.map(\.text) == ["fixed, \"well\"", "ocr", nil])
    #expect(dataset.memes.map { $0.labels["sentiment5"] } == [.multiclass(4), .multiclass(1), .multiclass(2)])
    #expect(dataset.memes.map { $0.labels["sentiment"] } == [.multiclass(2), .multiclass(0), .multiclass(1)])
    #expect(dataset.memes.map { $0.labels["humour"] } == [.multiclass(3), .multiclass(0), .multiclass(1)])
    #expect(dataset.memes.map { $0.labels["sarcasm"] } == [.multiclass(1), .multiclass(3), .multiclass(0)])
    #expect(dataset.memes.map { $0.labels["offensive"] } == [.multiclass(0), .multiclass(3), .multiclass(1)])
    #expect(dataset.memes.map { $0.labels["motivational"] } == [.binary(false), .binary(true), .binary(true)])
    #expect(dataset.memes.allSatisfy { $0.split == nil })
    #expect(dataset.problems.map(\.line) == [5])
  }

  @Test func propagandaReadsNamesAndSpans() throws {
    let folder = try TemporaryDataset(
      [
        "training_set_task3/training_set_task3.txt": """
        [
          {"id": "128", "labels": ["Smears", "thought-terminating cliché"], "text": "soup", "image": "128.png"},
          {"id": "129", "labels": [{"start": 0, "technique": "Doubt"}], "text": "salt", "image": "129.png"},
          {"id": "130", "labels": [], "text": "pepper", "image": "130.png"},
          {"id": "131", "labels": ["Juggling"], "text": "rice", "image": "131.png"}
        ]
        """,
        "dev_set_task3_labeled/dev_set_task3_labeled.txt": #"[{"id": "7", "labels": ["Transfer"], "text": "egg"}]"#,
        "training_set_task1.txt": #"[{"id": "1", "labels": [], "text": "only text"}]"#,
      ], images: [128, 129, 130, 131].map { "training_set_task3/\($0).png" })
    let dataset = try folder.read()
    #expect(dataset.format == .propaganda)
    let names = dataset.tasks[0].labels
    #expect(names.count == 22 && Set(names).count == 22)
    func techniques(_ id: String) throws -> [String] {
      guard case .multilabel(let flags) = try dataset.meme(id).labels["techniques"] else { return ["no label"] }
      return zip(names, flags).filter(\.1).map(\.0)
    }
    #expect(try techniques("128") == ["Smears", "Thought-terminating cliché"])
    #expect(try techniques("129") == ["Doubt"])
    #expect(try techniques("130") == [])
    #expect(try techniques("7") == ["Transfer"])
    #expect(dataset.memes.map(\.split) == [.train, .train, .train, .validation])
    #expect(try dataset.meme("7").image == nil)
    #expect(dataset.problems.map(\.line) == [5])
  }

  @Test func multiOFFReadsItsOwnSpelling() throws {
    let folder = try TemporaryDataset(
      [
        "Split Dataset/Training_meme_dataset.csv":
          "image_name,sentence,label\na.png,hello,Non-offensiv\nb.png,hi,offensive\n",
        "Split Dataset/Testing_meme_dataset.csv": "image_name,sentence,label\nc.png,bye,Non-offensive\nd.png,no,rude\n",
      ], images: ["a", "b", "c", "d"].map { "Labelled Images/\($0).png" })
    let dataset = try folder.read()
    #expect(dataset.format == .multioff)
    #expect(dataset.memes.map(\.split) == [.train, .train, .test])
    #expect(dataset.memes.map { $0.labels["offensive"] } == [.binary(false), .binary(true), .binary(false)])
    #expect(dataset.memes.allSatisfy { $0.image?.path.contains("/Labelled Images/") == true })
    #expect(dataset.problems.map(\.line) == [3])
  }

  @Test func mmhs150kVotes() throws {
    let folder = try TemporaryDataset(
      [
        "MMHS150K_GT.json": """
        {"11": {"tweet_text": "tea https://t.co/x", "labels": [0, 0, 4], "labels_str": ["NotHate", "NotHate", "Religion"]},
        "12": {"tweet_text": "milk", "labels": [1, 1, 0]},
        "13": {"tweet_text": "jam", "labels": [1, 2, 5]},
        "14": {"tweet_text": "toast", "labels": [1, 6, 5]},
        "15": 3,
        "16": {"tweet_text": "bread"},
        "17": }
        """,
        "splits/train_ids.txt": "11\n14\n", "splits/val_ids.txt": "12\n11\n", "splits/test_ids.txt": "13\n99",
      ], images: (11...16).map { "img_resized/\($0).jpg" })
    let dataset = try folder.read()
    #expect(dataset.format == .mmhs150k)
    #expect(dataset.memes.map(\.id) == ["11", "12", "13", "16"])
    #expect(dataset.memes.map(\.text) == ["tea https://t.co/x", "milk", "jam", "bread"])
    #expect(dataset.memes.map(\.split) == [.train, .validation, .test, nil])
    #expect(dataset.memes.map { $0.labels["hateful"] } == [.binary(false), .binary(true), .binary(true), nil])
    #expect(dataset.memes.map { $0.labels["category"] } == [.multiclass(0), .multiclass(1), nil, nil])
    #expect(dataset.memes.allSatisfy { $0.image?.path.contains("/img_resized/") == true })
    #expect(
      dataset.problems.map { "\($0.file):\($0.line)" }
        == [
          "splits/val_ids.txt:2", "MMHS150K_GT.json:4", "MMHS150K_GT.json:5", "MMHS150K_GT.json:7",
          "splits/test_ids.txt:2",
        ])
  }
}
