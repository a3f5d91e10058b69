"""Drives a running service with OpenAI's client as it is; prints what was checked, and fails where an answer is not as its types say."""
import base64
import pathlib
import sys

import openai
from openai.types import ModerationCreateResponse

url, picture = sys.argv[1], base64.b64encode(pathlib.Path(sys.argv[2]).read_bytes()).decode()
client = openai.OpenAI(base_url=f"{url}/v1", api_key="0123456789abcdef", max_retries=0)


def check(answer, count):
    """Every field that the client's types know is there and of its type."""
    assert isinstance(answer, ModerationCreateResponse) and answer.id and answer.model
    assert len(answer.results) == count
    for result in answer.results:
        # OpenAI's model judges pictures for some categories alone, and its types say so; ours does for all that labels feed.
        # The client hands such values on all the same.
        answered = answer.model_dump(by_alias=True)
        for types in (item["category_applied_input_types"] for item in answered["results"]):
            types.update({name: [kind for kind in kinds if kind != "image"] for name, kinds in types.items()})
        ModerationCreateResponse.model_validate(answered)
        scores = result.category_scores.model_dump()
        flags = result.categories.model_dump()
        assert scores.keys() == flags.keys() and all(0 <= score <= 1 for score in scores.values())
        assert result.flagged == any(flags.values())
        assert all(flags[name] == (score > 0.5) for name, score in scores.items())
    return answer


check(client.moderations.create(input="words on a meme"), 1)
check(client.moderations.create(input=["words on a meme", "other words"], model="omni-moderation-latest"), 2)
image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
both = check(client.moderations.create(input=[{"type": "text", "text": "words"}, image]), 1)
assert "image" in both.results[0].category_applied_input_types.harassment
check(client.moderations.create(input=[image]), 1)
try:
    client.moderations.create(input=[{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}])
    sys.exit("an address was accepted")
except openai.BadRequestError as error:
    assert error.code == "url_not_allowed" and error.type == "invalid_request_error", error
print(f"openai {openai.__version__}: text, texts, image and text, image alone, an address refused")
